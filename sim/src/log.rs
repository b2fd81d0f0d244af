//! The replicated log of a cluster with voters, as little of it as leases notice: who leads it, and what its operator
//! wants of the set of voters. Its records are in `store`; it never loses one.

use hotseat_core::VotersRecord;

/// An operator's wish, or the membership manager's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This machine is to vote.
    Add(usize),
    /// This machine is to vote no more.
    Remove(usize),
    /// Voters whose disks are lost give their places to others.
    Tidy,
    /// These and no others, all at once: never allowed (B6).
    Jump(Vec<usize>),
}

/// A wish, and until when it is worth trying.
#[derive(Debug)]
pub(crate) struct Wish {
    pub change: Change,
    pub until: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Log {
    /// The machine that leads the log.
    pub leader: Option<usize>,
    /// An election is under way.
    pub electing: bool,
    /// The first set of voters.
    pub founding: VotersRecord,
    /// In this order.
    pub wishes: Vec<Wish>,
}

impl Log {
    /// With nobody leading it yet.
    #[must_use]
    pub(crate) const fn new(founding: VotersRecord) -> Self {
        Self { leader: None, electing: false, founding, wishes: Vec::new() }
    }
}
