//! The contest: every system on a thread of its own, one trial at a time, so that none is measured while another is.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::fault::{Blow, STALL};
use super::{Contestant, Fault, NODES, System, service};
use crate::inject::Injected;
use crate::observer::{Observer, Timeline, demo, node_number};
use crate::spec::Store;
use crate::{CEILING, poll};

/// Whoever has not taken over by then does not.
const PATIENCE: Duration = Duration::from_secs(12);

/// Watched on after the fault is eased: whoever acts beside the new one, does so here.
pub const TAIL: Duration = Duration::from_secs(1);

/// Tries at having one node lead both the group and the log, or not: each is a change of leader, and may miss.
const ALIGNED_MAX: usize = 10;

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
    /// The longest time in which nobody answered.
    pub dark: Duration,
    /// How often the lead changed.
    pub changes: usize,
}

/// What is to be done to whom, and how often.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who takes part.
    pub systems: Vec<System>,
    /// Where Hotseat's nodes agree.
    pub store: Store,
    /// What is done to each, if it can suffer it.
    pub faults: Vec<Fault>,
    /// Trials of each fault on Hotseat.
    pub trials: usize,
    /// And on each of the others.
    pub rivals_trials: usize,
}

impl Plan {
    fn trials(&self, system: System) -> usize {
        match system {
            System::Hotseat(_) => self.trials,
            System::Etcd | System::Keepalived(_) => self.rivals_trials,
        }
    }
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

/// Runs all trials of a plan; `tell` hears of each.
pub fn contest(plan: &Plan, tell: impl Fn(System, Fault, &Seen) + Sync) -> Vec<Result> {
    let turn = Mutex::new(());
    std::thread::scope(|scope| {
        let run = |system: System| {
            let (turn, tell) = (&turn, &tell);
            scope.spawn(move || series(plan, system, turn, tell))
        };
        let threads: Vec<_> = plan.systems.iter().map(|system| run(*system)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

fn series(plan: &Plan, system: System, turn: &Mutex<()>, tell: &(impl Fn(System, Fault, &Seen) + Sync)) -> Vec<Result> {
    let mut contestant = system.start(plan.store);
    let faults = plan.faults.iter().filter(|fault| fault.befalls(system, plan.store));
    let mut results: Vec<_> = faults.map(|fault| Result { system, fault: *fault, seen: Vec::new() }).collect();
    for number in 0..plan.trials(system) {
        // Fault after fault in every round, so that whatever else goes on falls on all alike.
        for result in &mut results {
            let seen = trial(contestant.as_mut(), system, result.fault, number, turn);
            tell(system, result.fault, &seen);
            result.seen.push(seen);
        }
    }
    results
}

fn trial(contestant: &mut dyn Contestant, system: System, fault: Fault, number: usize, turn: &Mutex<()>) -> Seen {
    let (leader, log) = placed(contestant, fault);
    let victim = match fault {
        Fault::LogLeader => log.expect("it was waited for"),
        Fault::Stall => number % NODES + 1,
        Fault::Process | Fault::Host | Fault::Stopped | Fault::Graceful => leader,
        Fault::Mute | Fault::Deaf | Fault::Pair | Fault::Both => leader,
    };
    let measured = {
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        measure(contestant, system, fault, Roles { leader, victim })
    };
    contestant.mend(fault, leader);
    measured
}

/// Settled, with the two leads where the fault needs them: who leads, and who leads the log.
fn placed(contestant: &mut dyn Contestant, fault: Fault) -> (usize, Option<usize>) {
    let Some(together) = fault.together() else { return (contestant.settle(), None) };
    for _ in 0..ALIGNED_MAX {
        let leader = contestant.settle();
        let log = poll(CEILING, || contestant.log_leader(leader)).expect("somebody leads the log");
        if (leader == log) == together {
            return (leader, Some(log));
        }
        contestant.align(leader, log, together);
        // What was asked for is done a moment later.
        poll(PATIENCE, || contestant.log_leader(leader).filter(|now| (leader == *now) == together));
    }
    panic!("{}: the two leads cannot be had so", fault.title())
}

/// Who leads, and whom the fault befalls.
#[derive(Clone, Copy)]
struct Roles {
    leader: usize,
    victim: usize,
}

fn measure(contestant: &dyn Contestant, system: System, fault: Fault, roles: Roles) -> Seen {
    let targets = (1..=NODES).map(|number| (format!("n{number}"), service(number))).collect();
    let observer = Observer::start(targets, demo);
    let follower = contestant.follows().map(|at| Observer::start(vec![(String::from("vip"), at)], node_number));
    std::thread::sleep(BEFORE + phase(system));
    let (struck, stalled) = begin(contestant, fault, roles.victim);
    match fault.lasts(system) {
        // What is not to happen cannot be waited for.
        Some(length) => std::thread::sleep(length),
        None => {
            let others: Vec<_> = (1..=NODES).filter(|number| *number != roles.leader).map(service).collect();
            poll(PATIENCE, || others.iter().find_map(|at: &SocketAddr| demo(*at)));
        }
    }
    drop(stalled);
    if fault == Fault::Stopped {
        contestant.go_on(roles.victim);
    }
    contestant.heal();
    std::thread::sleep(TAIL);
    judge(&observer.stop(), follower.map(Observer::stop).as_ref(), struck, roles.leader)
}

/// Makes a fault; when it was complete, and what has to be dropped to end it.
fn begin(contestant: &dyn Contestant, fault: Fault, victim: usize) -> (Instant, Option<Injected>) {
    let others: Vec<_> = (1..=NODES).filter(|number| *number != victim).collect();
    let net = contestant.net();
    let struck = match fault {
        Fault::Process => contestant.strike(Blow::Kill, victim),
        Fault::Stopped => contestant.strike(Blow::Stop, victim),
        Fault::Graceful => contestant.strike(Blow::Ask, victim),
        Fault::Host | Fault::LogLeader | Fault::Both => contestant.unplug(victim),
        Fault::Mute => net.cut_one_way(&[victim], &others),
        Fault::Deaf => net.cut_one_way(&others, &[victim]),
        Fault::Pair => net.cut(&[victim], &others[..1]),
        Fault::Stall => {
            let stalled = contestant.stall(victim, STALL);
            return (Instant::now(), stalled);
        }
    };
    (struck, None)
}

fn judge(seen: &Timeline, followed: Option<&Timeline>, struck: Instant, old: usize) -> Seen {
    let ended = Instant::now();
    let follow = |timeline: &Timeline| {
        let moved = |answer: &&crate::observer::Answer| answer.epoch != old as u64 && answer.received > struck;
        timeline.answers.iter().find(moved).map(|answer| answer.received - struck)
    };
    Seen {
        takeover: seen.outage(struck, &format!("n{old}")),
        followed: followed.and_then(follow),
        overlap: seen.overlap(),
        dark: dark(seen, struck, ended),
        changes: seen.leaderships().len().saturating_sub(1),
    }
}

/// The longest time without an answer, one that has not ended yet among them.
fn dark(seen: &Timeline, struck: Instant, ended: Instant) -> Duration {
    let last = seen.answers.last().map_or(struck, |answer| answer.received.max(struck));
    seen.longest_gap(struck).max(ended.saturating_duration_since(last))
}

/// A moment within the system's own interval, each as likely.
fn phase(system: System) -> Duration {
    let bits = RandomState::new().hash_one(0);
    system.interval().mul_f64((bits >> 11) as f64 / (1_u64 << 53) as f64)
}
