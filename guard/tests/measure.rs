//! What the guard costs and how fast it is; prints, and promises nothing.
//!
//! `cargo nextest run -p hotseat-guard --release --test measure --run-ignored only --no-capture`
#![allow(missing_docs, clippy::unwrap_used)]

mod stage;

use std::time::{Duration, Instant};

use hotseat_guard::{Command, Report};
use rustix::process::Signal;
use stage::{BOTH, Stage, signal};

const TRIALS: usize = 100;
const TREE: &str = "sleep 300 & (setsid sleep 300 &); sleep 0.05; echo ready >&2; sleep 300";

/// Runs before ordinary processes, as the guard does: else a busy machine is measured, and not the guard. What is
/// started from here runs as usual.
fn hurry() {
    let thread = rustix::thread::gettid().as_raw_nonzero().to_string();
    let done = std::process::Command::new("chrt").args(["--reset-on-fork", "--rr", "-p", "2", &thread]).status();
    println!("measured in a hurry: {}", done.is_ok_and(|status| status.success()));
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let ms = |place: usize| times[place].as_secs_f64() * 1e3;
    let (median, p99) = (ms(times.len() / 2), ms((times.len() * 99).div_ceil(100) - 1));
    println!("{what}: min {:.2} median {median:.2} p99 {p99:.2} max {:.2} ms", ms(0), ms(times.len() - 1));
}

#[test]
#[ignore = "a measurement"]
fn from_the_death_of_the_agent_to_the_word() {
    hurry();
    for containment in BOTH {
        let trial = || {
            let stage = Stage::new(containment);
            let agent = stage.agent(Duration::from_secs(30), TREE);
            let killed = Instant::now();
            signal(agent.pid(), Signal::KILL);
            assert!(stage.has_heard_within(stage::SOON));
            let took = killed.elapsed();
            assert_eq!(stage.alive(), []);
            took
        };
        print(&format!("agent SIGKILL to word, {containment:?}"), (0..TRIALS).map(|_| trial()).collect());
    }
}

#[test]
#[ignore = "a measurement"]
fn a_start_and_a_kill() {
    hurry();
    for containment in BOTH {
        let stage = Stage::new(containment);
        let mut held = stage.hold();
        let (mut starts, mut kills) = (Vec::new(), Vec::new());
        for _ in 0..TRIALS {
            let begun = Instant::now();
            held.start(stage.command(1, &["/bin/sleep", "300"]));
            held.started();
            starts.push(begun.elapsed());
            let begun = Instant::now();
            held.send(&Command::Kill { slot: 1 });
            while !matches!(held.report(), Report::Gone { .. }) {}
            kills.push(begun.elapsed());
        }
        print(&format!("Start to Started, {containment:?}"), starts);
        print(&format!("Kill to Gone, {containment:?}"), kills);
    }
}

#[test]
#[ignore = "a measurement"]
fn at_rest() {
    const REST: Duration = Duration::from_secs(10);
    let stage = Stage::new(stage::BOTH[0]);
    // The deadline moves on every 2 ms here, which is forty times as often as with a ttl of 500 ms.
    let agent = stage.agent(Duration::from_millis(450), TREE);
    let ticks = |pid: i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap();
        stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
    };
    let before = (ticks(agent.guard), ticks(agent.keeper));
    std::thread::sleep(REST);
    let share = |pid, before| (ticks(pid) - before) / REST.as_secs_f64() * 100.0;
    println!("guard, told 500 times a second: {:.3} % of a core", share(agent.guard, before.0));
    println!("keeper: {:.4} % of a core", share(agent.keeper, before.1));
    for (name, pid) in [("guard", agent.guard), ("keeper", agent.keeper)] {
        let smaps = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
        let kept = |line: &&str| ["Rss:", "Pss:", "Private_Dirty:", "Locked:"].iter().any(|key| line.starts_with(key));
        println!(
            "{name}: {}",
            smaps
                .lines()
                .filter(kept)
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
}
