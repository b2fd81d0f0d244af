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

impl OrdersRecord {
    /// Nothing moves from now on.
    pub const fn pause(&mut self) {
        self.paused = true;
    }

    /// Everything moves again, and what was held off up to this epoch is held off no more.
    pub fn resume(&mut self, newest: Epoch) {
        self.paused = false;
        self.calm = self.calm.max(newest.0);
    }

    /// A planned change of the leadership of this epoch.
    pub fn switch_over(&mut self, act: u64, epoch: Epoch, to: Option<NodeName>) {
        self.switchover = Some(Ordered { act, epoch, to });
    }

    /// Sets how a member takes part, or leaves it to its configuration again. Where that says who leads, it comes with
    /// the planned change: the leader of that epoch hands over, or is handed over from. It never takes by force.
    pub fn set_mode(&mut self, act: u64, node: &NodeName, mode: Option<Mode>, leader: Option<(&NodeName, Epoch)>) {
        self.order(node, |order| order.mode = mode);
        let Some((leader, epoch)) = leader else { return };
        match mode {
            Some(Mode::Leader) if leader != node => self.switch_over(act, epoch, Some(node.clone())),
            Some(Mode::Standby | Mode::HotStandby) if leader == node => self.switch_over(act, epoch, None),
            // Who may not lead steps down for that alone.
            Some(Mode::Leader | Mode::Standby | Mode::HotStandby | Mode::Auto | Mode::Backup | Mode::Disabled)
            | None => {}
        }
    }

    /// Sets a member's priority, or leaves it to its configuration again.
    pub fn set_priority(&mut self, node: &NodeName, priority: Option<i64>) {
        self.order(node, |order| order.priority = priority);
    }

    /// Says who is to lead while able to; whoever leads now hands over.
    pub fn pin(&mut self, act: u64, node: &NodeName, leader: Option<(&NodeName, Epoch)>) {
        self.pinned = Some(node.clone());
        if let Some((leader, epoch)) = leader
            && leader != node
        {
            self.switch_over(act, epoch, Some(node.clone()));
        }
    }

    /// What was ordered of this member.
    #[must_use]
    pub fn of(&self, node: &NodeName) -> MemberOrder {
        self.members.get(node).copied().unwrap_or_default()
    }

    /// What says nothing any more is not kept.
    fn order(&mut self, node: &NodeName, change: impl FnOnce(&mut MemberOrder)) {
        let mut order = self.of(node);
        change(&mut order);
        if order == MemberOrder::default() {
            self.members.remove(node);
        } else {
            self.members.insert(node.clone(), order);
        }
    }
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
