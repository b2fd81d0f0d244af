//! The contest: every system on a thread of its own, one trial at a time, so that none is measured while another is.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Contestant, Fault, NODES, System, service};
use crate::observer::{Observer, Timeline, demo, node_number};
use crate::poll;
use crate::spec::Store;

/// Whoever has not taken over by then does not.
const PATIENCE: Duration = Duration::from_secs(12);

/// Watched on after the fault is eased: whoever acts beside the new one, does so here.
pub const TAIL: Duration = Duration::from_secs(1);

/// The moment of a fault is drawn from the longest interval of all: an advertisement of keepalived's.
const PHASE: Duration = Duration::from_secs(1);

/// Asked before the phase begins, so that everything is warm.
const BEFORE: Duration = Duration::from_millis(100);

/// What was seen of one fault.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// From the fault to the first answer of another node; `None` if nobody took over.
    pub takeover: Option<Duration>,
    /// The same through the address that follows the leader, where there is one.
    pub followed: Option<Duration>,
    /// For how long the old one was seen acting after the new one had begun.
    pub overlap: Duration,
    /// How often the lead changed.
    pub changes: usize,
}

/// All trials of one fault on one system.
#[derive(Clone, Debug)]
pub struct Result {
    /// Whose.
    pub system: System,
    /// Of which fault.
    pub fault: Fault,
    /// What was seen.
    pub seen: Vec<Seen>,
}

/// Runs so many trials of every fault on every system; `tell` hears of each.
pub fn contest(
    systems: &[System],
    store: Store,
    trials: usize,
    tell: impl Fn(System, Fault, &Seen) + Sync,
) -> Vec<Result> {
    let turn = Mutex::new(());
    std::thread::scope(|scope| {
        let run = |system: System| {
            let (turn, tell) = (&turn, &tell);
            scope.spawn(move || series(system, store, trials, turn, tell))
        };
        let threads: Vec<_> = systems.iter().map(|system| run(*system)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

fn series(
    system: System,
    store: Store,
    trials: usize,
    turn: &Mutex<()>,
    tell: &(impl Fn(System, Fault, &Seen) + Sync),
) -> Vec<Result> {
    let mut contestant = system.start(store);
    let mut results = Fault::ALL.map(|fault| Result { system, fault, seen: Vec::new() });
    for _ in 0..trials {
        // Fault after fault in every round, so that whatever else goes on falls on all alike.
        for result in &mut results {
            let seen = trial(contestant.as_mut(), result.fault, turn);
            tell(system, result.fault, &seen);
            result.seen.push(seen);
        }
    }
    results.to_vec()
}

fn trial(contestant: &mut dyn Contestant, fault: Fault, turn: &Mutex<()>) -> Seen {
    let old = contestant.settle();
    let measured = {
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        measure(contestant, fault, old)
    };
    contestant.mend(fault, old);
    measured
}

fn measure(contestant: &mut dyn Contestant, fault: Fault, old: usize) -> Seen {
    let targets = (1..=NODES).map(|number| (format!("n{number}"), service(number))).collect();
    let observer = Observer::start(targets, demo);
    let follower = contestant.follows().map(|at| Observer::start(vec![(String::from("vip"), at)], node_number));
    std::thread::sleep(BEFORE + phase());
    let struck = contestant.strike(fault, old);
    let others: Vec<_> = (1..=NODES).filter(|number| *number != old).map(service).collect();
    poll(PATIENCE, || others.iter().find_map(|at: &SocketAddr| demo(*at)));
    contestant.ease(fault, old);
    std::thread::sleep(TAIL);
    judge(&observer.stop(), follower.map(Observer::stop).as_ref(), struck, old)
}

fn judge(seen: &Timeline, followed: Option<&Timeline>, struck: Instant, old: usize) -> Seen {
    let follow = |timeline: &Timeline| {
        let moved = |answer: &&crate::observer::Answer| answer.epoch != old as u64 && answer.received > struck;
        timeline.answers.iter().find(moved).map(|answer| answer.received - struck)
    };
    Seen {
        takeover: seen.outage(struck, &format!("n{old}")),
        followed: followed.and_then(follow),
        overlap: seen.overlap(),
        changes: seen.leaderships().len().saturating_sub(1),
    }
}

/// A moment within the longest interval, each as likely.
fn phase() -> Duration {
    let bits = RandomState::new().hash_one(0);
    PHASE.mul_f64((bits >> 11) as f64 / (1_u64 << 53) as f64)
}
