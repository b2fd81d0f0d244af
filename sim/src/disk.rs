//! A machine's disk, as far as its voter and its copy of the log live on it. What is on it survives the power.

use std::collections::BTreeSet;

use hotseat_core::{SessionId, VoterId};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    /// Which incarnation of a voter it is (B2).
    pub id: VoterId,
    /// What the voter has promised, durably.
    pub promises: BTreeSet<SessionId>,
    /// The instant of true time up to which its copy of the log goes.
    pub shows: u64,
    /// A write takes so much longer than usual.
    pub slow: u64,
    /// So many of a thousand writes fail.
    pub fails: u64,
}

impl Disk {
    /// New, with nothing on it.
    #[must_use]
    pub(crate) const fn new(id: VoterId) -> Self {
        Self { id, promises: BTreeSet::new(), shows: 0, slow: 0, fails: 0 }
    }
}
