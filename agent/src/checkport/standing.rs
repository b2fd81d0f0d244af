//! What a load balancer is told of a group on this node. It is looked up anew for every question.

use std::sync::Arc;

use hotseat_core::GroupId;
use tokio::sync::watch;

use super::Picture;
use crate::snapshot::Snapshot;

/// How this node stands to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It leads, promotion complete and lease unexpired by the clock.
    Leader,
    /// Its lease holds, and it does not lead: somebody else does, or nobody yet, or it is about to hand over.
    Follower,
    /// It is starting, cut off, or hangs: whatever it believed is out of date.
    Unknown,
}

impl Standing {
    /// For people, and for monitoring that looks for these very words.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::Leader => "This node is a leader.",
            Self::Follower => "This node is a follower.",
            Self::Unknown => "This node is in an unknown state.",
        }
    }

    fn of(snapshot: &Snapshot, group: &GroupId) -> Self {
        match snapshot.group(group) {
            Some(group) if snapshot.leads(group) => Self::Leader,
            Some(_) if snapshot.pulse.leased() => Self::Follower,
            Some(_) | None => Self::Unknown,
        }
    }
}

/// One group, and where to look. Cheap to clone.
#[derive(Clone)]
pub(super) struct Sight {
    group: GroupId,
    shown: watch::Receiver<Option<Picture>>,
}

impl Sight {
    pub(super) fn new(group: GroupId, shown: watch::Receiver<Option<Picture>>) -> Self {
        Self { group, shown }
    }

    pub(super) fn group(&self) -> &GroupId {
        &self.group
    }

    /// As it is at this instant.
    pub(super) fn standing(&self) -> Standing {
        let snapshot = self.shown.borrow().as_ref().map(|picture| Arc::clone(&picture.borrow()));
        snapshot.map_or(Standing::Unknown, |snapshot| Standing::of(&snapshot, &self.group))
    }
}
