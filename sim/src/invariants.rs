//! What must hold at every instant, one promise to a file. They see facts, and change nothing.

mod announced_ready;
mod contained;
mod dead_before_next;
mod epoch_grows;
mod lapsed_is_over;
mod no_false_alarm;
mod one_leader;
mod recovers;
mod settled;

use hotseat_core::{Epoch, GroupId, Instant, Key, Nonce, Record, Role, SessionId};

pub(crate) use recovers::Recovery;

use crate::event::{AgentRef, GuardRef};

/// One running service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its guard.
    pub guard: GuardRef,
    /// Its run.
    pub run: u64,
}

/// Something true that an invariant may speak of.
#[derive(Debug)]
pub(crate) enum Fact<'a> {
    /// A service acts as leader from now on.
    Acts {
        /// Of this group.
        group: &'a GroupId,
        /// Which.
        place: Place,
        /// As told.
        epoch: Epoch,
        /// Under this session.
        session: Nonce,
    },
    /// A service acts no more.
    Ceases {
        /// Of this group.
        group: &'a GroupId,
        /// Which.
        place: Place,
    },
    /// An agent orders a service into a role.
    Ordered {
        /// Who.
        of: AgentRef,
        /// Out of any session, or after its deadline.
        lapsed: bool,
        /// In this session.
        session: Option<SessionId>,
        /// Of this group.
        group: &'a GroupId,
        /// Which role.
        role: Role,
    },
    /// An agent sends a write.
    Wrote {
        /// Who.
        of: AgentRef,
        /// Out of any session, or after its deadline.
        lapsed: bool,
        /// In this session.
        session: Option<SessionId>,
        /// Where.
        key: &'a Key,
        /// What.
        record: &'a Record,
    },
    /// A write stands in the store.
    Applied {
        /// Where.
        key: &'a Key,
        /// What stood there.
        before: Option<&'a Record>,
        /// What stands there.
        after: &'a Record,
    },
    /// An agent gives its guard a deadline.
    Leased {
        /// Its session.
        session: SessionId,
        /// The true time by which everything is dead, unless renewed.
        dead_by: u64,
    },
    /// An agent announces that its service leads.
    Announced {
        /// Who.
        of: AgentRef,
        /// Out of any session, or after its deadline.
        lapsed: bool,
        /// In this session.
        session: Option<SessionId>,
        /// Of this group.
        group: &'a GroupId,
        /// The epoch.
        epoch: Epoch,
        /// Whether a ready check passed since the service was told of it.
        checked: bool,
    },
    /// Something of a session lives after its deadline and the stop budget.
    Outlived {
        /// Where.
        machine: usize,
        /// The deadline.
        deadline: Instant,
        /// The time there.
        local: Instant,
    },
}

/// A promise that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub invariant: &'static str,
    /// How.
    pub what: String,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Invariants {
    one_leader: one_leader::OneLeader,
    epoch_grows: epoch_grows::EpochGrows,
    dead_before_next: dead_before_next::DeadBeforeNext,
    settled: settled::Settled,
    /// What is to be asked at the end.
    pub recovery: Recovery,
    /// Set in runs without a fault.
    pub no_false_alarm: no_false_alarm::NoFalseAlarm,
}

impl Invariants {
    /// Shows a fact to all of them.
    ///
    /// # Errors
    /// The first that does not hold.
    pub(crate) fn see(&mut self, now: u64, fact: &Fact<'_>) -> Result<(), Broken> {
        let name = |invariant| move |what| Broken { invariant, what };
        self.one_leader.see(fact).map_err(name("one_leader"))?;
        self.epoch_grows.see(fact).map_err(name("epoch_grows"))?;
        self.dead_before_next.see(now, fact).map_err(name("dead_before_next"))?;
        contained::see(fact).map_err(name("contained"))?;
        self.settled.see(fact).map_err(name("settled"))?;
        lapsed_is_over::see(fact).map_err(name("lapsed_is_over"))?;
        announced_ready::see(fact).map_err(name("announced_ready"))?;
        self.no_false_alarm.see(fact).map_err(name("no_false_alarm"))?;
        self.recovery.see(now, fact);
        Ok(())
    }
}
