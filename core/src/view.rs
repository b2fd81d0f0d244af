//! What a node knows, for people and programs to read. It changes nothing.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::group::{Bar, Seat};
use crate::id::{Epoch, GroupId, NodeName, SessionId, Version};
use crate::mode::Mode;
use crate::node::Node;
use crate::observe::Hold;
use crate::orders::OrdersRecord;
use crate::record::{Member, MemberState, SessionRecord, SessionState};
use crate::roster::Roster;
use crate::time::Instant;

/// One node's view of the cluster, at one instant.
#[derive(Clone, Debug)]
pub struct View {
    /// This node.
    pub node: NodeName,
    /// Its lease, while it holds.
    pub lease: Option<Lease>,
    /// Every group.
    pub groups: Vec<GroupView>,
}

/// What this node may act under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whose it is.
    pub session: SessionId,
    /// When it ends unless renewed.
    pub until: Instant,
    /// When the newest acknowledged renewal was sent.
    pub renewed: Instant,
}

/// One group.
#[derive(Clone, Debug)]
pub struct GroupView {
    /// The HA id.
    pub id: GroupId,
    /// Its role.
    pub role: String,
    /// Who leads by the store's word; `None` also while the last leader's session is known to be ended.
    pub leader: Option<NodeName>,
    /// The newest epoch.
    pub epoch: Epoch,
    /// Whether the leader's promotion is complete.
    pub serving: bool,
    /// Where the leader's service answers.
    pub service: Option<String>,
    /// Changes with every change of the group's record.
    pub version: Version,
    /// Where this node stands.
    pub seat: Seat,
    /// Nothing moves until people resume it.
    pub paused: bool,
    /// Who is to lead while able to, by people's order.
    pub pinned: Option<NodeName>,
    /// Nobody leads, and this is what keeps this node from it.
    pub barred: Option<Barred>,
    /// What people have ordered, as far as it is known here.
    pub orders: OrdersRecord,
    /// The version of that.
    pub ordered: Version,
    /// So many changes in a row were nobody's plan, and people have not said since that it is well.
    pub unrest: u32,
    /// Everybody who is or was in the group.
    pub members: Vec<MemberView>,
}

/// Why this node does not fill a place that is vacant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Barred {
    /// Why.
    pub by: Bar,
    /// Until when, if that is known.
    pub until: Option<Instant>,
}

/// One member of a group.
#[derive(Clone, Debug)]
pub struct MemberView {
    /// The node.
    pub node: NodeName,
    /// Its state.
    pub state: MemberState,
    /// Its mode.
    pub mode: Mode,
    /// Its priority.
    pub priority: i64,
    /// Its region.
    pub region: String,
    /// The agent's version.
    pub version: String,
    /// Whether it is alive and has no trouble.
    pub healthy: bool,
    /// The agent's address.
    pub address: String,
    /// Where its service answers.
    pub service: Option<String>,
    /// Since it was last heard of.
    pub last_seen: Duration,
    /// What is wrong.
    pub trouble: Option<String>,
    /// How its service is contained.
    pub contained: String,
    /// Whether it could take over if asked.
    pub candidate: bool,
    /// The newest version of the group's orders that it heeds.
    pub orders: Version,
}

impl Node {
    /// What this node knows now.
    #[must_use]
    pub fn view(&self, now: Instant) -> View {
        View {
            node: self.config.name.clone(),
            lease: self.lease(now),
            groups: self.groups.keys().map(|id| self.group_view(now, id)).collect(),
        }
    }

    /// This node's lease, while it holds: the part of a view that changes with every renewal.
    #[must_use]
    pub fn lease(&self, now: Instant) -> Option<Lease> {
        let (session, until) = self.session.id.zip(self.session.lease_until())?;
        self.session.leased(now).then_some(Lease { session, until, renewed: self.session.renewed })
    }

    fn group_view(&self, now: Instant, id: &GroupId) -> GroupView {
        let group = &self.groups[id];
        let record = group.record();
        let leader = record.and_then(|record| record.leader.as_ref());
        let (roster, post) = (Roster { now, others: &self.others }, self.post(now));
        let held = leader.filter(|leader| roster.hold(leader, &post) == Hold::Held && !roster.lost(leader));
        // Our own leadership counts only while our lease holds.
        let held = held.filter(|leader| leader.node != self.config.name || group.seat.epoch().is_some());
        let serving = record.is_some_and(|record| record.serving) && held.is_some();
        GroupView {
            id: id.clone(),
            role: group.config.role.clone(),
            leader: held.map(|leader| leader.node.clone()),
            epoch: record.map_or(Epoch(0), |record| record.epoch),
            serving,
            service: record.and_then(|record| record.service.clone()).filter(|_| serving),
            version: group.version(),
            seat: group.seat.clone(),
            paused: group.orders().paused,
            pinned: group.orders().pinned.clone(),
            barred: group.bar(&roster, &post).map(|(by, until)| Barred { by, until }),
            orders: group.orders().clone(),
            ordered: group.ordered_version(),
            unrest: group.unrest(),
            members: self.members(now, id, held.map(|leader| &leader.node).filter(|_| serving)),
        }
    }

    fn members(&self, now: Instant, id: &GroupId, leader: Option<&NodeName>) -> Vec<MemberView> {
        let mut all = BTreeMap::new();
        if let Some(group) = self.groups.get(id) {
            let member = group.member(&self.post(now));
            let own = MemberView {
                address: self.config.address.clone(),
                region: self.config.region.clone(),
                version: self.config.version.clone(),
                contained: self.session.record().map(|record| record.contained.clone()).unwrap_or_default(),
                ..member_view(self.config.name.clone(), &member, Duration::ZERO)
            };
            all.insert(self.config.name.clone(), own);
        }
        for (name, observed) in self.others.iter().filter(|(name, _)| **name != self.config.name) {
            let Ok(record) = &observed.record else { continue };
            let Some(member) = record.members.get(id) else { continue };
            let seen = now.since(observed.since);
            all.insert(name.clone(), other_view(name, record, member, seen, leader));
        }
        all.into_values().collect()
    }
}

fn other_view(
    name: &NodeName,
    record: &SessionRecord,
    member: &Member,
    seen: Duration,
    leader: Option<&NodeName>,
) -> MemberView {
    let gone = record.state != SessionState::Alive || seen >= record.promise.silence();
    let mut view = MemberView {
        address: record.address.clone(),
        region: record.region.clone(),
        version: record.version.clone(),
        contained: record.contained.clone(),
        ..member_view(name.clone(), member, seen)
    };
    if gone {
        view.state = MemberState::Offline;
        view.healthy = false;
        view.candidate = false;
    } else if leader == Some(name) {
        view.state = MemberState::Leader;
    } else if view.state == MemberState::Leader {
        // Its own word is a renewal old; the group's record knows better.
        view.state = MemberState::Starting;
    }
    view
}

fn member_view(node: NodeName, member: &Member, last_seen: Duration) -> MemberView {
    MemberView {
        node,
        state: member.state,
        mode: member.mode,
        priority: member.priority,
        region: String::new(),
        version: String::new(),
        healthy: member.candidate && member.state != MemberState::Failed,
        address: String::new(),
        service: member.service.clone(),
        last_seen,
        trouble: member.trouble.clone(),
        contained: String::new(),
        candidate: member.candidate,
        orders: member.orders,
    }
}
