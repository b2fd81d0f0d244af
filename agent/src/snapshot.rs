//! What the loop shows to everybody else: one picture, replaced whenever a step has changed more
//! than its pulse.

use std::collections::BTreeMap;
use std::sync::Arc;

use hotseat_client as wire;
use hotseat_core::{GroupId, GroupView, Instant, MemberState, MemberView, Mode, Node, Seat, View};

use crate::clock;
use crate::config::{self, Config, Group};
use crate::proxy::Drains;
use crate::pulse::Pulse;
use crate::records::Records;
use crate::story;
use crate::sync;
use crate::vip;

/// A loop that has not turned for this many ttls is not well.
const STALE_TTLS: u32 = 3;

/// The loop's view and what belongs to it.
#[derive(Debug)]
pub struct Snapshot {
    /// What the protocol knows.
    pub view: View,
    /// What has changed since.
    pub pulse: Pulse,
    /// When it knew it.
    pub taken: Instant,
    /// Whether the store has answered lately, and if not why.
    pub store_trouble: Option<String>,
    /// What in the store cannot be read.
    pub damage: Option<String>,
    /// Whether the agent is going down.
    pub stopping: bool,
    /// The processes of this node's services.
    pub pids: BTreeMap<GroupId, u32>,
    /// What follows this node's leaderships.
    pub followers: BTreeMap<GroupId, vip::Shown>,
}

/// What every reader of the agent needs. Cheap to clone.
#[derive(Clone)]
pub struct Facts {
    /// The configuration in force.
    pub config: Arc<Config>,
    /// When the agent began.
    pub started: std::time::Instant,
    /// The store's kind.
    pub store_kind: Arc<str>,
    /// What is risky about the store, if anything.
    pub store_risk: Option<Arc<str>>,
    /// For what people want to know of records.
    pub records: Records,
    /// Where each group's proxy listens, in the order of the configuration.
    pub proxies: Arc<Vec<Option<std::net::SocketAddr>>>,
    /// Where load balancers ask about each group, in the order of the configuration.
    pub checks: Arc<Vec<crate::checkport::Bound>>,
    /// Tells for each group when the proxies here have nothing under way to a leader that ends.
    pub drains: Arc<BTreeMap<GroupId, Vec<Drains>>>,
    /// What is to be seen of files that are the same on all members.
    pub files: sync::Desk,
    /// The newest fire drill of each group.
    pub drilled: crate::drill::Newest,
    /// What is to be known of the members, where the agents are the store.
    pub embedded: Option<crate::embedded::Facts>,
}

impl Snapshot {
    /// Before the loop has turned.
    #[must_use]
    pub fn first(node: &Node) -> Self {
        let now = clock::now();
        Self {
            view: node.view(now),
            pulse: Pulse::new(node.lease(now), now),
            taken: now,
            store_trouble: None,
            damage: None,
            stopping: false,
            pids: BTreeMap::new(),
            followers: BTreeMap::new(),
        }
    }

    /// The group of this id, with the latest that is known.
    #[must_use]
    pub fn group(&self, id: &GroupId) -> Option<&GroupView> {
        self.view.groups.iter().find(|group| group.id == *id)
    }

    /// Whether this node leads the group now, promotion complete and lease unexpired.
    #[must_use]
    pub fn leads(&self, group: &GroupView) -> bool {
        self.pulse.leased() && matches!(group.seat, Seat::Leading(_))
    }

    /// Whether the loop has not turned for far too long: what is shown is how it was then.
    #[must_use]
    pub fn hangs(&self, facts: &Facts) -> bool {
        clock::now().since(self.pulse.turned()) > facts.config.cluster.timing.ttl() * STALE_TTLS
    }

    /// The wire's picture of the cluster.
    #[must_use]
    pub fn cluster(&self, facts: &Facts) -> wire::Cluster {
        let now = clock::now();
        let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let config = &facts.config;
        let ports = facts.proxies.iter().zip(facts.checks.iter());
        let groups = config.groups.iter().zip(ports);
        wire::Cluster {
            cluster: config.cluster.name.clone(),
            node: self.view.node.to_string(),
            store: self.wire_store(facts),
            ttl_ms: millis(config.cluster.timing.ttl()),
            lease_left_ms: self.pulse.lease_until().map(|until| millis(until.since(now))),
            renewed_ms: self.pulse.renewed().map(|renewed| millis(now.since(renewed))),
            pid: std::process::id(),
            alerts: Vec::new(),
            groups: groups
                .filter_map(|(configured, (proxy, check))| {
                    let view = self.group(&configured.id)?;
                    let group = self.wire_group(view, configured, *proxy, facts);
                    let at = |address: Option<std::net::SocketAddr>| address.map(|at| at.to_string());
                    Some(wire::Group { check: at(check.http), agent_check: at(check.line), ..group })
                })
                .collect(),
        }
    }

    /// What keeps the store from working.
    #[must_use]
    pub fn trouble(&self, facts: &Facts) -> Option<String> {
        let embedded = || facts.embedded.as_ref().and_then(crate::embedded::Facts::trouble);
        self.store_trouble.clone().or_else(embedded)
    }

    fn wire_store(&self, facts: &Facts) -> wire::Store {
        let (embedded, trouble) = (facts.embedded.as_ref(), self.trouble(facts));
        let risk = || match embedded {
            Some(embedded) => embedded.warning(),
            None => facts.store_risk.as_deref().map(str::to_owned),
        };
        wire::Store {
            kind: facts.store_kind.to_string(),
            healthy: trouble.is_none(),
            trouble: trouble.or_else(|| self.damage.clone()).or_else(risk),
            voters: embedded.map(|embedded| embedded.voters(facts.config.cluster.timing.ttl())),
        }
    }

    fn wire_group(
        &self,
        view: &GroupView,
        configured: &Group,
        proxy: Option<std::net::SocketAddr>,
        facts: &Facts,
    ) -> wire::Group {
        let since = facts.records.leads_since(&view.id);
        let reason = facts.records.reason(&view.id);
        let followers = self.followers.get(&view.id);
        let leads = view.leader.as_ref() == Some(&self.view.node);
        let stale = clock::now().since(self.taken);
        let members = expected(view, facts);
        let book = facts.records.book(&view.id);
        let pid = |member: &MemberView| self.pids.get(&view.id).copied().filter(|_| member.node == self.view.node);
        wire::Group {
            id: view.id.to_string(),
            role: view.role.clone(),
            leader: view.leader.as_ref().map(ToString::to_string),
            epoch: view.epoch.0,
            since: since.filter(|_| view.leader.is_some()),
            reason: reason.map(|reason| story::reason(&reason)).unwrap_or_default(),
            serving: view.serving,
            paused: view.paused,
            orders: book.as_ref().map(|(version, book)| book.shown(*version)).unwrap_or_default(),
            netid: configured.netid,
            proxy: proxy.map(|proxy| proxy.to_string()),
            proxy_gate: configured.proxy.as_ref().map(config::Proxy::shown),
            check: None,
            agent_check: None,
            vip: followers.map(|shown| shown.vip(configured, leads)).unwrap_or_default(),
            floating: followers.and_then(|shown| shown.floating(leads)),
            unrest: view.unrest,
            barred: view
                .barred
                .as_ref()
                .map(|it| story::waits(&it.by, it.until.map(|until| until.since(clock::now())))),
            drift: facts.files.board().drift(&view.id),
            files_held: facts.files.board().held(&view.id),
            drill: facts.drilled.of(&view.id),
            members: members.map(|member| wire_member(member, stale, pid(member))).collect(),
        }
    }
}

fn wire_member(view: &MemberView, stale: std::time::Duration, pid: Option<u32>) -> wire::Member {
    wire::Member {
        pid,
        node: view.node.to_string(),
        state: view.state.as_str().to_owned(),
        mode: mode(view.mode).to_owned(),
        priority: view.priority,
        region: view.region.clone(),
        version: view.version.clone(),
        healthy: view.healthy,
        address: format!("http://{}", view.address),
        service: view.service.clone(),
        last_seen_ms: u64::try_from((view.last_seen + stale).as_millis()).unwrap_or(u64::MAX),
        contained: view.contained.clone(),
        trouble: view.trouble.clone(),
        orders: view.orders.0,
    }
}

/// The members that are still to be expected. A record outlives its node: people, and a roll where there is one, say who
/// is gone for good.
pub(crate) fn expected<'a>(view: &'a GroupView, facts: &'a Facts) -> impl Iterator<Item = &'a MemberView> {
    let book = facts.records.book(&view.id);
    let gone = move |member: &MemberView| {
        let out = facts.embedded.as_ref().is_some_and(|it| it.has_removed(&member.node));
        out || book.as_ref().is_some_and(|(_, book)| facts.records.is_removed(book, &member.node))
    };
    view.members.iter().filter(move |it| it.state != MemberState::Offline || !gone(it))
}

/// A mode as users write it.
#[must_use]
pub const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Auto => "auto",
        Mode::Leader => "leader",
        Mode::Standby => "standby",
        Mode::HotStandby => "hot-standby",
        Mode::Backup => "backup",
        Mode::Disabled => "disabled",
    }
}
