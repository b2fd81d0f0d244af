//! What people have ordered of a group: one record, written by whichever agent was asked, heeded by every member.
//!
//! An order stands until it is cleared, and goes before what a member's configuration says. Nothing that safety rests on
//! depends on it: who may lead is decided by the group's record and by sessions, whatever stands here.

use alloc::collections::BTreeMap;
use serde::{Deserialize, Serialize};

use crate::id::{Epoch, NodeName, Nonce};
use crate::mode::Mode;

/// At `orders/ID`. Absent: nothing was ever ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrdersRecord {
    /// Unique per write. The store keeps it beside the body.
    #[serde(skip)]
    pub nonce: Nonce,
    /// Nothing moves until resumed.
    #[serde(default)]
    pub paused: bool,
    /// Who is to lead, as long as it is able to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<NodeName>,
    /// What is to hold for single members.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub members: BTreeMap<NodeName, MemberOrder>,
    /// What was held off because leaderships would not last, up to this epoch, is held off no more.
    #[serde(default)]
    pub calm: u64,
    /// The newest switchover that was ordered, whatever became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switchover: Option<Ordered>,
}

/// What was ordered of one member, in place of what its configuration says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberOrder {
    /// How it takes part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Higher wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
}

/// A planned change of leader that was ordered. It is for one epoch: the leader of that epoch obeys, and after it the
/// order is void.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// The act that ordered it.
    pub act: u64,
    /// The leadership that is to end.
    pub epoch: Epoch,
    /// To whom; the best candidate otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<NodeName>,
}
