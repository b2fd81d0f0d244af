//! The seats of a shared lock, of which a holder wants one: it stands in line for one at a time.
//!
//! Each seat is a group of its own, with its own epochs. The groups of the others are disabled, so that two are never
//! claimed. It moves to another seat only from where nothing is claimed or held.

use std::time::Duration;

use hotseat_core::{
    Backoff, GroupConfig, GroupId, Mode, NodeConfig, NodeName, OnExit, Rules, Seat, ServiceConfig, Standby, View,
    VoterConfig,
};

use super::name::LockName;
use super::queue::Queue;
use super::terms::Terms;

/// A command is never said to be ready, so this must never come: a century.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// See the module.
pub(crate) struct Bench {
    lock: LockName,
    seats: u32,
    /// The one it stands in line for.
    seat: u32,
    priority: i64,
    signature: String,
}

impl Bench {
    pub(crate) fn new(lock: LockName, seats: u32, queue: &Queue, signature: String) -> Self {
        Self { lock, seats, seat: queue.seat, priority: queue.priority, signature }
    }

    /// The group of the seat it stands in line for.
    pub(crate) fn group(&self) -> GroupId {
        self.lock.seat(self.seat)
    }

    /// Goes over to a seat that is free, if this one is not: what the protocol has to know then.
    pub(crate) fn change(&mut self, view: &View) -> Option<Vec<GroupConfig>> {
        let of = |seat: u32| {
            let id = self.lock.seat(seat);
            view.groups.iter().find(|group| group.id == id)
        };
        let stuck = of(self.seat)?.leader.is_some() && of(self.seat)?.seat == Seat::Standby;
        // Version 0 before anything is known of it.
        let free = |seat: &u32| of(*seat).is_some_and(|group| group.leader.is_none() && group.seat == Seat::Standby);
        let better = (0..self.seats).filter(|seat| *seat != self.seat).find(free).filter(|_| stuck)?;
        self.seat = better;
        Some(self.groups())
    }

    fn groups(&self) -> Vec<GroupConfig> {
        (0..self.seats).map(|seat| self.config(seat)).collect()
    }

    fn config(&self, seat: u32) -> GroupConfig {
        GroupConfig {
            followers: false,
            id: self.lock.seat(seat),
            role: String::from("lock"),
            mode: if seat == self.seat { Mode::Auto } else { Mode::Disabled },
            priority: self.priority,
            failback: None,
            // A lock that changes hands again and again is at work.
            calm: Duration::ZERO,
            hold_max: Duration::ZERO,
            // Whoever asks for it, wherever.
            alike: false,
            service: ServiceConfig {
                standby: Standby::Cold,
                on_exit: OnExit::Restart,
                stop_timeout: NEVER,
                start_timeout: NEVER,
                turn_timeout: NEVER,
                health: None,
                // Whatever it is: an end of the command is the end of the lock, see `holder`.
                backoff: Backoff { first: NEVER, max: NEVER, attempts: u32::MAX },
                drain: core::time::Duration::ZERO,
                hooks: false,
            },
            address: Some(self.signature.clone()),
        }
    }
}

/// The protocol's value for one lock.
pub(crate) fn node_config(terms: &Terms, name: &NodeName, bench: &Bench) -> NodeConfig {
    NodeConfig {
        name: name.clone(),
        address: terms.address.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        region: terms.region.clone(),
        timing: terms.timing,
        groups: bench.groups(),
        // It asks voters and is none.
        voter: terms.voters.then(VoterConfig::default),
        rules: Rules::default(),
    }
}
