//! Leaderships that end as planned: the old service stops first, and clients wait instead of failing.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::process::Command;
use std::time::Duration;

use hotseat_lab::observer::{Observer, demo};
use hotseat_lab::processes::{Kind, look};
use hotseat_lab::{Cluster, Node, Spec, program};

const TTL: Duration = Duration::from_secs(2);

#[test]
fn amp_5() {
    for spec in [Spec::demo().hot(), Spec::demo()] {
        let cluster = Cluster::settled(spec);
        let old = cluster.leader();
        let observer = cluster.observe();
        cluster.wait_for("an answer", |_| demo(old.service()));
        let stopped = old.term();
        let (new, group) = cluster.next_leader(old);
        cluster.wait_for("an answer of the new leader", |_| demo(new.service()));
        assert!(old.wait_exit().success(), "{}", old.log());
        let seen = observer.stop();
        seen.check_one_leader();
        let outage = seen.outage(stopped, &old.name).unwrap();
        println!("handed over in {outage:?}: {}", group.reason);
        assert!(outage < TTL, "at once, not by time-out: {outage:?}");
        assert_eq!(group.reason, "the old leader was stopped");
        // Its guard repeats its word for a while, to nobody's harm.
        assert!(old.processes().iter().all(|process| process.kind == Kind::Guard), "{:?}", old.processes());
    }
}

#[test]
fn amp_17() {
    let cluster = Cluster::settled(Spec::demo().hot().nodes(2));
    let old = cluster.leader();
    let pid_txt = old.path("data/pid.txt");
    assert_eq!(fs::read_to_string(&pid_txt).unwrap().trim(), old.agent().to_string());
    let kill = format!("kill -9 $(cat {})", pid_txt.display());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    cluster.next_leader(old);
    old.wait_exit();
    old.start();
    cluster.settle();
    assert_eq!(fs::read_to_string(&pid_txt).unwrap().trim(), old.agent().to_string(), "the new run's");
    old.term();
    assert!(old.wait_exit().success());
    assert!(!pid_txt.exists(), "a clean stop takes it away");
}

/// Cold: the new one is started only when nothing of the old one is alive.
#[test]
fn a_cold_standby_starts_after_the_old_one_has_stopped() {
    // It takes its time to stop, and a child of it stays behind.
    let stubborn = r#"["sh", "-c", "trap 'sleep 0.7; exit 0' TERM; (trap '' TERM; exec sleep 300) & while :; do sleep 0.1; done"]"#;
    let cluster = Cluster::settled(Spec::of("sh").portless().service("command", stubborn));
    let witness = cluster.witness();
    let old = cluster.leader();
    let before = old.pids(Kind::Service);
    assert!(before.len() >= 2, "{before:?}");
    let done = old.cli(&["switchover", "--wait", "60s"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.took >= Duration::from_millis(700), "it had its time to stop: {:?}", done.took);
    assert!(before.iter().all(|pid| look(*pid).is_none()), "nothing of the old one is alive");
    let seen = witness.check_never_two();
    assert_eq!(seen.order.len(), 2, "{:?}", seen.order);
}

#[test]
fn a_switchover_goes_where_it_is_told_and_refuses_what_cannot_be() {
    let cluster = Cluster::settled(Spec::demo().hot());
    let old = cluster.leader();
    let epoch = old.group().unwrap().epoch;
    let observer = cluster.observe();
    let refused = old.cli(&["switchover", "--to", "n9"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("n9 is not alive"), "{refused:?}");
    let unknown = old.cli(&["switchover", "--group", "none"]);
    assert!(unknown.err.contains("no group \"none\"") && unknown.err.contains("web"), "{unknown:?}");
    assert_eq!(old.group().unwrap().epoch, epoch, "what is refused changes nothing");
    // Asked of a standby: it says where, and the command goes there.
    let target = cluster.others(old).last().unwrap();
    let done = target.cli(&["switchover", "--to", &target.name]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.contains(&format!("{} → {}", old.name, target.name)), "{done:?}");
    cluster.settle();
    assert!(target.leads());
    observer.stop().check_one_leader();
}

/// Clients of a proxy wait while nobody leads, on whichever node it is, and no request fails.
#[test]
fn the_proxy_parks_and_follows() {
    let cluster = Cluster::settled(Spec::demo().hot().proxy("30s"));
    let old = cluster.leader();
    let beside = cluster.others(old).next().unwrap();
    let ask = |node: &Node| {
        hotseat_lab::http::ask(
            node.proxy(),
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            Duration::from_secs(30),
        )
    };
    let through = Observer::start(vec![("proxy".into(), beside.proxy())], demo);
    for _ in 0..3 {
        let from = cluster.settle();
        let done = from.cli(&["switchover", "--wait", "60s"]);
        assert_eq!(done.code, Some(0), "{done:?}");
        let answer = ask(beside).expect("a request right after is answered");
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let last = cluster.settle();
    last.kill_agent();
    let parked = std::time::Instant::now();
    let alive = cluster.others(last).next().unwrap();
    let answer = ask(alive).expect("a request that comes while nobody leads waits");
    assert_eq!(answer.status, 200, "{answer:?}");
    println!("waited {:?}", parked.elapsed());
    let seen = through.stop();
    let epochs: Vec<_> = seen.answers.iter().map(|answer| answer.epoch).collect();
    assert!(epochs.is_sorted(), "through the proxy no older leader answers after a newer one: {epochs:?}");
    let _ = program::hotseat();
}
