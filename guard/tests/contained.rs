//! The promise `contained`, and `dead_before_next` as far as it is the guard's: whoever of agent, guard and keeper is
//! killed or stopped, the tree dies, and no word is given before.
#![allow(missing_docs, clippy::unwrap_used)]

mod stage;

use std::time::Duration;

use hotseat_guard::{Answer, Containment, Trigger, proof_hash};
use rustix::process::Signal;
use stage::{Agent, BOTH, Stage, signal};

/// A tree with every way out that a shell has: children, a daemon (double fork, session of its own), a process that
/// ignores TERM, and a chain of sessions.
const TREE: &str = "
    sleep 300 &
    (setsid sleep 300 &)
    (setsid sh -c 'trap \"\" TERM HUP INT; (setsid sleep 300 &) ; sleep 300' &)
    echo ready >&2
    while :; do sleep 300; done";

/// Far enough for a machine under load.
const LONG: Duration = Duration::from_secs(30);
/// Near enough to wait for, and far enough for the tree to stand on a busy machine.
const SHORT: Duration = Duration::from_secs(1);

fn check(deadline: Duration, fault: impl Fn(&Stage, &mut Agent)) {
    for containment in BOTH {
        let stage = Stage::new(containment);
        let mut agent = stage.agent(deadline, TREE);
        stage::until("the tree stands", || stage.alive().len() >= 6);
        fault(&stage, &mut agent);
        stage.wait_until_dead();
    }
}

/// Says what made the guard end it.
fn expect_proof(stage: &Stage, agent: &Agent) -> Option<Trigger> {
    let word = stage.hear();
    let hash: String = proof_hash(&word.secret).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, agent.hash);
    assert_eq!((word.cluster.as_str(), word.node.as_str()), ("lab", &stage.hex()[..8]));
    assert_eq!(stage.ask(), Answer::Proof(word.secret));
    stage::until("the cgroup is removed", || stage.groups().is_empty());
    word.trigger
}

#[test]
fn agent_killed() {
    check(LONG, |stage, agent| {
        signal(agent.pid(), Signal::KILL);
        assert_eq!(expect_proof(stage, agent), Some(Trigger::Agent));
    });
}

/// D2 the other way round: an open socket is not life.
#[test]
fn agent_killed_while_somebody_holds_its_socket_open() {
    for containment in BOTH {
        let stage = Stage::new(containment);
        let agent = stage.agent_with(LONG, TREE, &[("SHARE_SOCKET", "1")]);
        signal(agent.pid(), Signal::KILL);
        assert_eq!(expect_proof(&stage, &agent), Some(Trigger::Agent));
    }
}

#[test]
fn agent_stopped() {
    check(SHORT, |stage, agent| {
        signal(agent.pid(), Signal::STOP);
        assert_eq!(expect_proof(stage, agent), Some(Trigger::Lease));
    });
}

#[test]
fn guard_killed() {
    check(LONG, |stage, agent| {
        signal(agent.guard, Signal::KILL);
        stage.wait_until_dead();
        assert_eq!(stage.ask(), Answer::NoGuard);
        assert!(!stage.has_heard(), "a word without a guard");
    });
}

#[test]
fn guard_stopped() {
    check(SHORT, |stage, agent| {
        signal(agent.guard, Signal::STOP);
        stage.wait_until_dead();
        assert!(!stage.has_heard(), "a word from a stopped guard");
        signal(agent.guard, Signal::CONT);
        expect_proof(stage, agent);
    });
}

#[test]
fn agent_and_guard_killed_at_once() {
    for order in [true, false] {
        check(LONG, |stage, agent| {
            let (first, second) = if order { (agent.pid(), agent.guard) } else { (agent.guard, agent.pid()) };
            signal(first, Signal::KILL);
            // The first may have ended the second already.
            let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(second).unwrap(), Signal::KILL);
            stage.wait_until_dead();
        });
    }
}

#[test]
fn agent_and_guard_stopped() {
    check(SHORT, |stage, agent| {
        signal(agent.pid(), Signal::STOP);
        signal(agent.guard, Signal::STOP);
        stage.wait_until_dead();
        signal(agent.guard, Signal::KILL);
    });
}

#[test]
fn keeper_killed() {
    check(LONG, |stage, agent| {
        signal(agent.keeper, Signal::KILL);
        assert_eq!(agent.report(), "Exited { slot: 1, code: None, signal: Some(9) }");
        assert_eq!(agent.report(), "Gone { slot: 1 }");
        assert_eq!(stage.alive(), [], "alive when Gone was reported");
        assert!(!stage.has_heard(), "the session goes on");
    });
}

#[test]
fn keeper_stopped_then_agent_killed() {
    check(LONG, |stage, agent| {
        signal(agent.keeper, Signal::STOP);
        signal(agent.pid(), Signal::KILL);
        expect_proof(stage, agent);
    });
}

#[test]
fn keeper_stopped_past_the_deadline_of_a_stopped_agent() {
    check(SHORT, |stage, agent| {
        signal(agent.keeper, Signal::STOP);
        signal(agent.pid(), Signal::STOP);
        expect_proof(stage, agent);
    });
}

#[test]
fn service_stopped_then_agent_killed() {
    check(LONG, |stage, agent| {
        signal(agent.main, Signal::STOP);
        signal(agent.pid(), Signal::KILL);
        expect_proof(stage, agent);
    });
}

#[test]
fn service_killed_and_what_it_leaves_dies_too() {
    check(LONG, |stage, agent| {
        signal(agent.main, Signal::KILL);
        assert_eq!(agent.report(), "Exited { slot: 1, code: None, signal: Some(9) }");
        assert_eq!(agent.report(), "Gone { slot: 1 }");
        assert_eq!(stage.alive(), [], "alive when Gone was reported");
    });
}

#[test]
fn everybody_killed_and_the_sweep_finds_the_rest() {
    let stage = Stage::new(Containment::Auto);
    let agent = stage.agent(LONG, TREE);
    if stage.groups().is_empty() {
        println!("skipped: needs a writable cgroup v2");
        return;
    }
    assert_eq!(hotseat_guard::sweep("lab", "somebody-else"), hotseat_guard::Swept::default());
    // The keepers first: stopped, they can do nothing about what comes.
    signal(agent.keeper, Signal::STOP);
    signal(agent.guard, Signal::STOP);
    signal(agent.keeper, Signal::KILL);
    signal(agent.guard, Signal::KILL);
    stage::until("the orphans are alone", || stage::comm(agent.guard).is_empty());
    assert!(!stage.alive().is_empty(), "only PDEATHSIG was left, and it reaches one");
    stage::until("the sweep has ended it", || {
        let _ = hotseat_guard::sweep("lab", &stage.hex()[..8]);
        stage.groups().is_empty()
    });
    assert_eq!(stage.alive(), []);
}

#[test]
fn a_tree_that_forks_faster_than_one_can_look() {
    let script = "
        for i in 1 2 3 4; do
            (while :; do (setsid sleep 30 &); sh -c 'sleep 30 & sleep 0.01'; done) &
        done
        sleep 0.3; echo ready >&2; wait";
    for containment in BOTH {
        let stage = Stage::new(containment);
        let agent = stage.agent(LONG, script);
        signal(agent.pid(), Signal::KILL);
        expect_proof(&stage, &agent);
    }
}

#[test]
fn a_chain_whose_links_are_gone_before_one_can_look() {
    for containment in BOTH {
        let stage = Stage::new(containment);
        let link = stage.dir.path().join("link");
        // Bounded, so that a guard that loses the race leaves nothing behind for long.
        let script = "#!/bin/sh\n[ $1 -lt 30000 ] && \"$0\" $(($1 + 1)) &\n[ $1 -eq 50 ] && echo ready >&2\nexit 0\n";
        std::fs::write(&link, script).unwrap();
        std::process::Command::new("chmod").arg("+x").arg(&link).status().unwrap();
        let agent = stage.agent(LONG, &format!("{} 0; sleep 300", link.display()));
        signal(agent.pid(), Signal::KILL);
        expect_proof(&stage, &agent);
    }
}

/// Two of them, a random moment apart: whatever the first death had set going is cut short by the second.
#[test]
fn two_killed_at_any_moment() {
    for round in 0..24_u32 {
        let stage = Stage::new(BOTH[(round % 2) as usize]);
        let agent = stage.agent(LONG, "(setsid sleep 300 &); sleep 0.05; echo ready >&2; sleep 300");
        let (first, second) = match round / 2 % 4 {
            0 => (agent.pid(), agent.guard),
            1 => (agent.guard, agent.pid()),
            2 => (agent.pid(), agent.keeper),
            _ => (agent.keeper, agent.pid()),
        };
        let mut random = [0_u8; 2];
        getrandom::fill(&mut random).unwrap();
        let apart = Duration::from_micros(u64::from(u16::from_ne_bytes(random) % 3000));
        println!("round {round}: {first}, and {second} {apart:?} later");
        signal(first, Signal::KILL);
        std::thread::sleep(apart);
        let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(second).unwrap(), Signal::KILL);
        if stage.has_heard() {
            assert_eq!(stage.alive(), [], "alive when the word came");
        }
        stage.wait_until_dead();
    }
}
