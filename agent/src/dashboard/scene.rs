//! Everything a page is drawn from, at one instant. It only gathers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use hotseat_client::story::Leadership;
use hotseat_client::{Alerts, Cluster, Event, Group, Member, Sync};

use super::alerts;
use super::samples::{Samples, Trace};
use super::stories::{Books, Stories};
use crate::api::Api;

/// See the module.
pub(super) struct Scene {
    /// When, by the wall clock.
    pub(super) now: SystemTime,
    /// As `GET /api/cluster` tells it.
    pub(super) cluster: Cluster,
    /// Why what this node knows of others may be old, if so.
    pub(super) doubt: Option<String>,
    /// What is the matter, and what was said last.
    pub(super) alerts: Alerts,
    /// What is known of files that are to be the same, by group.
    pub(super) files: BTreeMap<String, Arc<Sync>>,
    /// The newest events, newest first.
    pub(super) events: Vec<Event>,
    /// What was measured of each node.
    pub(super) traces: Arc<BTreeMap<String, Trace>>,
    /// What is written down of the groups.
    pub(super) books: Books,
}

/// Events shown: a screenful.
const EVENTS: usize = 14;

impl Scene {
    /// As it is now.
    pub(super) fn now(api: &Api, samples: &Samples, stories: &Stories) -> Self {
        let snapshot = api.snapshot();
        let cluster = snapshot.cluster(&api.facts);
        let groups = snapshot.view.groups.iter();
        let files = groups.filter_map(|it| Some((it.id.to_string(), api.facts.files.board().of(&it.id)?)));
        Self {
            now: SystemTime::now(),
            alerts: api.alerts.shown(&cluster, alerts::KEPT),
            files: files.collect(),
            cluster,
            doubt: doubt(api),
            events: api.history.latest(EVENTS),
            traces: samples.traces(),
            books: stories.books(),
        }
    }

    /// The leaderships of a group that are known, oldest first.
    pub(super) fn leaderships(&self, group: &Group) -> &[Leadership] {
        self.books.get(&group.id).map_or(&[], |book| &book.leaderships)
    }

    /// Members of all groups that are not this node, each once, by name.
    pub(super) fn others(&self) -> BTreeMap<&str, &Member> {
        let members = self.cluster.groups.iter().flat_map(|group| &group.members);
        members.filter(|it| it.node != self.cluster.node).map(|it| (it.node.as_str(), it)).collect()
    }
}

fn doubt(api: &Api) -> Option<String> {
    let (snapshot, node) = (api.snapshot(), &api.facts.config.node.name);
    if snapshot.hangs(&api.facts) {
        return Some(format!("The agent of {node} hangs: what you see is how it was when its loop turned last."));
    }
    if let Some(trouble) = snapshot.trouble(&api.facts) {
        return Some(format!("{node} may be cut off ({trouble}): what it shows of others may be old."));
    }
    let waits = "it may not act, and what it shows of others may be old";
    (!snapshot.pulse.leased()).then(|| format!("{node} has no session: {waits}."))
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// A member in order.
    pub(in super::super) fn member(node: &str, state: &str) -> Member {
        let member = json!({"node": node, "state": state, "mode": "auto", "priority": 0, "region": "world",
            "version": "0.1.0", "healthy": state != "offline", "address": "http://10.0.0.101:7700",
            "service": "10.0.0.101:9100", "last_seen_ms": 12, "contained": "cgroup"});
        serde_json::from_value(member).expect("a member")
    }

    /// `n1` leads, `n2` looks.
    pub(in super::super) fn scene() -> Scene {
        let cluster = json!({"cluster": "netmon", "node": "n2", "store": {"kind": "dir", "healthy": true}, "ttl_ms": 2000,
            "lease_left_ms": 1500, "renewed_ms": 40, "pid": 1, "groups": [{"id": "web", "role": "primary",
            "leader": "n1", "epoch": 17, "since": "2026-11-20T10:00:00Z", "reason": "switchover", "serving": true,
            "paused": false, "netid": 1, "members": [member("n1", "leader"), member("n2", "hot-standby")]}]});
        Scene {
            now: humantime::parse_rfc3339("2026-11-20T12:00:00Z").expect("a time"),
            cluster: serde_json::from_value(cluster).expect("a cluster"),
            doubt: None,
            alerts: Alerts::default(),
            files: BTreeMap::new(),
            events: Vec::new(),
            traces: Arc::default(),
            books: Books::default(),
        }
    }
}
