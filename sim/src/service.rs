//! The programs that groups protect: how one starts, becomes ready, steps down, and stops, well or badly.
//!
//! A process *acts* while it is alive, was told that it leads, and has not acknowledged that it does not.

use hotseat_core::{Epoch, GroupId, Role};

use crate::clock::MS;

/// How a service takes TERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stops {
    /// Within so many nanoseconds.
    After(u64),
    /// Never.
    Never,
}

/// How a hot service takes it when it is told to step down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yields {
    /// Says that it has.
    Yes,
    /// Does not say.
    Unsaid,
    /// Does not answer.
    Silent,
}

/// What is under way to a service when its end is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drains {
    /// Is over within so many nanoseconds.
    After(u64),
    /// Never ends.
    Never,
}

/// What a service on one machine is like at present.
#[derive(Clone, Copy, Debug)]
pub struct Temper {
    /// From start to ready.
    pub starts: u64,
    /// See [`Stops`].
    pub stops: Stops,
    /// See [`Yields`].
    pub yields: Yields,
    /// See [`Drains`].
    pub drains: Drains,
    /// The program cannot be started.
    pub broken: bool,
    /// It never becomes ready.
    pub unready: bool,
    /// Health checks fail in so many of a thousand cases.
    pub ill: u64,
    /// It ends by itself so long after its start.
    pub dies_after: Option<u64>,
}

impl Default for Temper {
    fn default() -> Self {
        Self {
            starts: 20 * MS,
            stops: Stops::After(5 * MS),
            yields: Yields::Yes,
            drains: Drains::After(30 * MS),
            broken: false,
            unready: false,
            ill: 0,
            dies_after: None,
        }
    }
}

/// One running service.
#[derive(Clone, Debug)]
pub struct Process {
    /// Of which group.
    pub group: GroupId,
    /// The agent's number of it.
    pub run: u64,
    /// The epoch it acts in.
    pub acting: Option<Epoch>,
    /// What it was told last.
    pub role: Role,
    /// When a ready check may succeed.
    pub ready_at: u64,
    /// Whether a ready check succeeded since it was told.
    pub checked: bool,
    /// When it was told.
    pub told_at: u64,
    /// Its death is on the way.
    pub dying: bool,
}

impl Process {
    /// Just started.
    #[must_use]
    pub fn new(group: GroupId, run: u64, role: Role, now: u64, temper: &Temper) -> Self {
        let mut process = Self {
            group,
            run,
            acting: None,
            role,
            ready_at: now + temper.starts,
            checked: false,
            told_at: now,
            dying: false,
        };
        process.tell(role, now);
        process
    }

    /// Tells it its role; whether it yields is for the caller.
    pub fn tell(&mut self, role: Role, now: u64) {
        self.role = role;
        self.checked = false;
        self.told_at = now;
        self.acting = match role {
            Role::Leader(epoch) => Some(epoch),
            Role::Standby => None,
        };
    }
}
