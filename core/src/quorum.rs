//! What nodes and voters say to each other, beside the log (part B).
//!
//! ```text
//!  holder ── Renewal(session, seq) ──> every voter ── Heard(session, seq) ──> holder      no fsync, no leader
//!  anybody ── Would ──> every voter ── would, or in how long                              binds nobody (B8)
//!          ── Promise ──> every voter ─ fsync ─ Promised ──> Expire(session, promisers) through the log
//! ```

use alloc::collections::BTreeSet;
use core::time::Duration;
use serde::{Deserialize, Serialize};

use crate::id::{NodeName, SessionId, VoterId};

/// This node as a voter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VoterConfig {
    /// What it has promised, as its disk tells.
    pub promises: BTreeSet<SessionId>,
}

/// One attempt to renew a lease (B1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// Whose.
    pub node: NodeName,
    /// Which session.
    pub session: SessionId,
    /// Which attempt.
    pub seq: u64,
}

/// What a voter is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// Acknowledge this renewal.
    Renew(Renewal),
    /// Would you promise to end this session of that node? Binds nobody (B8).
    Would(NodeName, SessionId),
    /// Promise never to acknowledge it again (B2).
    Promise(NodeName, SessionId),
}

/// What a voter answers. Silence is an answer too: not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// This attempt was heard, and counts (B1).
    Heard(SessionId, u64),
    /// This session is over: promised, or ended in the log.
    Refused(SessionId),
    /// It would promise now (`None`), or not before this has gone by.
    Would(SessionId, Option<Duration>),
    /// It has promised; the promise is on its disk.
    Promised(SessionId),
}

/// Whether these are a majority of the set.
pub(crate) fn majority(of: &BTreeSet<VoterId>, these: &BTreeSet<VoterId>) -> bool {
    of.intersection(these).count() * 2 > of.len()
}
