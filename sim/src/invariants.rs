//! What must hold at every instant, one promise to a file. They see facts, and change nothing.

mod announced_ready;
mod contained;
mod dead_before_next;
mod drained_first;
mod epoch_grows;
mod failback_waits;
mod followers_first;
mod held_off;
mod lapsed_is_over;
mod listens_first;
mod no_false_alarm;
mod one_leader;
mod orders_heeded;
mod promise_kept;
mod recovers;
mod settled;
mod voters_overlap;

use hotseat_core::{
    Epoch, GroupId, GroupView, Instant, Key, NodeName, Nonce, Reason, Record, Role, SessionId, VoterId,
};

pub(crate) use recovers::Recovery;

use crate::event::{AgentRef, GuardRef};
use crate::machine::Machine;

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
        /// The send from which the lease is counted, on the holder's clock.
        from: Instant,
        /// The true time by which everything is dead, unless renewed.
        dead_by: u64,
    },
    /// An agent sends a renewal to the voters.
    Renewed {
        /// After its deadline, or after a voter has refused it.
        lapsed: bool,
        /// Its session.
        session: SessionId,
        /// Which attempt.
        seq: u64,
        /// When, on its own clock.
        sent: Instant,
    },
    /// A voter answers that it has heard a renewal.
    Acknowledged {
        /// Which incarnation.
        voter: VoterId,
        /// Whose.
        session: SessionId,
        /// Which attempt.
        seq: u64,
    },
    /// A voter binds itself never to acknowledge a session again.
    Binds {
        /// Which incarnation.
        voter: VoterId,
        /// The session.
        session: SessionId,
        /// For how long a renewal of it has lain unread in the sockets there.
        lay: u64,
        /// The ttl there, in true time.
        ttl: u64,
    },
    /// A voter answers that it has promised.
    Promised {
        /// Which incarnation.
        voter: VoterId,
        /// The session.
        session: SessionId,
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
    /// An agent begins to claim a group.
    Claims {
        /// What it knows of the group.
        view: &'a GroupView,
        /// Who.
        node: &'a NodeName,
        /// To lead this epoch.
        epoch: Epoch,
    },
    /// A leader begins to hand over.
    Parts {
        /// What it knows of the group.
        view: &'a GroupView,
        /// Why.
        reason: &'a Reason,
    },
    /// A leader does as an act ordered.
    Obeys {
        /// Of this group.
        group: &'a GroupId,
        /// The epoch that it leads.
        epoch: Epoch,
        /// The act.
        act: u64,
    },
    /// What follows a leadership is on; or, without an epoch, off.
    Followed {
        /// Who.
        of: AgentRef,
        /// Of this group.
        group: &'a GroupId,
        /// The epoch.
        epoch: Option<Epoch>,
    },
    /// The end of a leadership is announced, and requests are under way until then at the least.
    Drains {
        /// Whose.
        of: AgentRef,
        /// Of this group.
        group: &'a GroupId,
        /// The epoch.
        epoch: Epoch,
        /// True time.
        busy_until: u64,
    },
    /// A running service is told that it leads no more.
    StepsDown {
        /// Whose.
        of: AgentRef,
        /// Of this group.
        group: &'a GroupId,
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
    drained_first: drained_first::DrainedFirst,
    settled: settled::Settled,
    followers_first: followers_first::FollowersFirst,
    promise_kept: promise_kept::PromiseKept,
    voters_overlap: voters_overlap::VotersOverlap,
    orders_heeded: orders_heeded::OrdersHeeded,
    held_off: held_off::HeldOff,
    /// Told how old what leaders know may be.
    pub failback_waits: failback_waits::FailbackWaits,
    /// What is to be asked at the end.
    pub recovery: Recovery,
    /// Set in runs without a fault.
    pub no_false_alarm: no_false_alarm::NoFalseAlarm,
}

impl Invariants {
    /// What the groups of these machines agreed on.
    pub(crate) fn terms(&mut self, machines: &[Machine]) {
        for group in machines.iter().flat_map(|machine| &machine.config.groups) {
            self.held_off.agree(&group.id, group.hold_max);
            self.failback_waits.agree(&group.id, group.failback);
        }
    }

    /// Shows a fact to all of them.
    ///
    /// # Errors
    /// The first that does not hold.
    pub(crate) fn see(&mut self, now: u64, fact: &Fact<'_>) -> Result<(), Broken> {
        let name = |invariant| move |what| Broken { invariant, what };
        self.one_leader.see(fact).map_err(name("one_leader"))?;
        self.epoch_grows.see(fact).map_err(name("epoch_grows"))?;
        self.dead_before_next.see(now, fact).map_err(name("dead_before_next"))?;
        self.drained_first.see(now, fact).map_err(name("drained_first"))?;
        contained::see(fact).map_err(name("contained"))?;
        self.settled.see(fact).map_err(name("settled"))?;
        self.followers_first.see(fact).map_err(name("followers_first"))?;
        lapsed_is_over::see(fact).map_err(name("lapsed_is_over"))?;
        announced_ready::see(fact).map_err(name("announced_ready"))?;
        self.promise_kept.see(fact).map_err(name("promise_kept"))?;
        self.voters_overlap.see(now, fact).map_err(name("voters_overlap"))?;
        self.orders_heeded.see(fact).map_err(name("orders_heeded"))?;
        self.held_off.see(now, fact).map_err(name("held_off"))?;
        self.failback_waits.see(now, fact).map_err(name("failback_waits"))?;
        listens_first::see(fact).map_err(name("listens_first"))?;
        self.no_false_alarm.see(fact).map_err(name("no_false_alarm"))?;
        self.recovery.see(now, fact);
        Ok(())
    }
}
