//! Why a session ended, as those know it who saw it from within: its guard, or its own agent.
//!
//! A word for people. Nothing is decided by it: it travels beside proofs and in records, and whoever passes it on may be
//! wrong.

use serde::{Deserialize, Serialize};

use crate::record::SessionRecord;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Demise {
    /// The guard's word: the agent ended, or let go of its guard.
    AgentGone,
    /// The guard's word: the deadline came, and no renewal had moved it.
    LeaseOver,
    /// The guard's word: its agent told it to end everything.
    AsTold,
    /// The agent's word: it asked in time, and no renewal was acknowledged.
    Unanswered,
    /// The agent's word: it had asked nobody for most of its lease: it stood still.
    StoodStill,
    /// The agent's word: others had ended it, or were about to.
    Refused,
    /// The agent's word: it could not write that it let go of a group.
    Unwritable,
    /// The agent's word: its guard was gone.
    GuardGone,
    /// Of a version that is newer than this one.
    #[serde(other)]
    Unknown,
}

impl SessionRecord {
    /// Why the session of that number ended, where this record, of that session or the next one, tells it.
    #[must_use]
    pub fn demise_of(&self, ordinal: u64) -> Option<Demise> {
        if self.session.ordinal == ordinal {
            self.demise
        } else {
            self.before.filter(|_| self.session.ordinal == ordinal + 1)
        }
    }
}
