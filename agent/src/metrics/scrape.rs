//! What `GET /metrics` shows: this node's counts, and the picture as it is now. Names are stable: docs/metrics.md.

use std::fmt;
use std::sync::Arc;

use hotseat_client::{Cluster, Group};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::counts::Counts;
use super::page::{Labels, Page, one};
use crate::snapshot::{Facts, Snapshot};

/// One scrape.
pub(super) struct Scrape {
    pub(super) cluster: Cluster,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) facts: Facts,
    pub(super) counts: Counts,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrape").finish_non_exhaustive()
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        self.node(&mut page)?;
        self.groups(&mut page)?;
        self.files(&mut page)?;
        self.outages(&mut page)?;
        self.lease(&mut page)?;
        self.votes(&mut page)?;
        self.store(&mut page)?;
        self.proxies(&mut page)?;
        self.happened(&mut page)
    }
}

impl Scrape {
    fn node(&self, page: &mut Page<'_>) -> fmt::Result {
        let labels = vec![
            ("cluster", self.cluster.cluster.clone()),
            ("node", self.cluster.node.clone()),
            ("store", self.cluster.store.kind.clone()),
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        page.gauge("info", "Which node this is; always 1", [(labels, 1.0)])?;
        let seen = |(group, node, seconds)| (vec![("group", group), ("node", node)], seconds);
        let members = self.cluster.groups.iter().flat_map(|group| {
            group.members.iter().map(|it| (group.id.clone(), it.node.clone(), seconds(it.last_seen_ms)))
        });
        page.gauge("member_silence_seconds", "Since a member was last heard of by this node", members.map(seen))
    }

    fn groups(&self, page: &mut Page<'_>) -> fmt::Result {
        let of = |number: fn(&Scrape, &Group) -> f64| {
            self.cluster.groups.iter().map(move |group| (of_group(group), number(self, group)))
        };
        page.gauge("leader", "1 if this node leads the group and its lease holds", of(Self::leads))?;
        page.gauge(
            "group_led",
            "1 if anybody leads the group, as this node knows it",
            of(|_, it| flag(it.leader.is_some())),
        )?;
        page.gauge("group_serving", "1 if the leader's service is ready", of(|_, it| flag(it.serving)))?;
        page.gauge("group_paused", "1 if changes of leader are held off", of(|_, it| flag(it.paused)))?;
        page.gauge("epoch", "Number of the group's newest leadership", of(|_, it| it.epoch as f64))?;
        page.gauge(
            "spare_nodes",
            "How many more nodes the group can lose",
            of(|scrape, it| scrape.cluster.can_lose(it) as f64),
        )?;
        let states = self.cluster.groups.iter().flat_map(states);
        page.gauge("members", "Members of the group by state", states)
    }

    fn leads(&self, group: &Group) -> f64 {
        let view = self.snapshot.view.groups.iter().find(|view| view.id.as_str() == group.id);
        flag(view.is_some_and(|view| self.snapshot.leads(view)))
    }

    /// Of groups whose files are kept the same or compared: every member, also who differs in nothing.
    fn files(&self, page: &mut Page<'_>) -> fmt::Result {
        let watched = self.snapshot.view.groups.iter().filter(|view| self.facts.files.board().of(&view.id).is_some());
        let groups = watched.filter_map(|view| self.cluster.groups.iter().find(|group| group.id == view.id.as_str()));
        let rows = groups.flat_map(|group| {
            group.members.iter().map(|member| {
                let differ = group.drift.iter().filter(|it| it.node == member.node).count();
                (vec![("group", group.id.clone()), ("node", member.node.clone())], differ as f64)
            })
        });
        page.gauge("group_drift", "Files of a member that differ from the leader's", rows)
    }

    /// What the story measures of changes: by whoever leads after them.
    fn outages(&self, page: &mut Page<'_>) -> fmt::Result {
        let counts = self.counts.inner();
        let planned = |planned: bool| if planned { "yes" } else { "no" };
        let rows = counts
            .outages()
            .into_iter()
            .map(|((group, meant), counted)| (vec![("group", group), ("planned", planned(meant).to_owned())], counted));
        page.times("outage_seconds", "For how long nobody served until this node did", rows)?;
        let led = self.cluster.groups.iter().filter(|group| self.leads(group) > 0.0);
        let newest = led.filter_map(|group| {
            let lasted = counts.outage_before(&group.id, group.epoch)?;
            Some((of_group(group), lasted.as_secs_f64()))
        });
        page.gauge("newest_outage_seconds", "For how long nobody served before the leadership of this node", newest)
    }

    fn votes(&self, page: &mut Page<'_>) -> fmt::Result {
        let votes = self.counts.inner().votes.read();
        let rows = votes.map(|(answer, count)| (vec![("answer", answer.to_owned())], count));
        page.counter("votes", "What this node has answered as a voter", rows)
    }

    fn lease(&self, page: &mut Page<'_>) -> fmt::Result {
        let counts = self.counts.inner();
        page.gauge("lease_ttl_seconds", "The lease's ttl", one(seconds(self.cluster.ttl_ms)))?;
        let left = self.cluster.lease_left_ms.map_or(0.0, seconds);
        page.gauge("lease_left_seconds", "What is left of this node's lease; 0 without one", one(left))?;
        let help = "From sending a renewal to its acknowledgement";
        page.times("renewal_seconds", help, one(counts.renewals.read()))?;
        let help = "What was left of the lease when a renewal was acknowledged: at 0 this node stops itself";
        page.times("deadline_margin_seconds", help, one(counts.margins.read()))?;
        page.counter("renewals_sent", "Renewals of this node's lease", one(counts.renewals_sent()))?;
        let help = "Renewals that were overtaken by a later one, or by the lease's end, before they were acknowledged";
        page.counter("renewals_missed", help, one(counts.renewals_missed()))
    }

    fn store(&self, page: &mut Page<'_>) -> fmt::Result {
        let (counts, store) = (self.counts.inner(), &self.cluster.store);
        page.gauge("store_healthy", "1 if the store has answered lately", one(flag(store.healthy)))?;
        let op = |name: &str| vec![("op", name.to_owned())];
        let times = [(op("look"), counts.looks.times()), (op("write"), counts.writes.times())];
        page.times("store_seconds", "How long the store took", times)?;
        let failed = [(op("look"), counts.looks.failed()), (op("write"), counts.writes.failed())];
        page.counter("store_failures", "Calls of the store without an answer", failed)?;
        if let Some(voters) = &store.voters {
            page.gauge("voters", "Nodes that vote", one(voters.count as f64))?;
            page.gauge("voters_well", "Nodes that vote and were heard within the ttl", one(voters.well as f64))?;
        }
        let ends = self.facts.embedded.as_ref().and_then(crate::embedded::Facts::certificate_ends);
        let left = ends.map(|left| (Labels::new(), left.as_secs_f64()));
        page.gauge("certificate_left_seconds", "Until this node's certificate ends", left)
    }

    fn proxies(&self, page: &mut Page<'_>) -> fmt::Result {
        let stats: Vec<_> = self
            .facts
            .drains
            .iter()
            .map(|(group, proxies)| {
                let stats: Vec<_> = proxies.iter().map(crate::proxy::Drains::stats).collect();
                (vec![("group", group.to_string())], stats)
            })
            .collect();
        let gauge = |number: fn(&crate::proxy::Stats) -> usize| {
            stats.iter().map(move |(labels, all)| (labels.clone(), all.iter().map(number).sum::<usize>() as f64))
        };
        page.gauge("proxy_parked", "Clients that wait at this node's proxies for a leader", gauge(|it| it.parked))?;
        page.gauge("proxy_active", "Connections that this node's proxies carry", gauge(|it| it.active))?;
        let counter = |number: fn(&crate::proxy::Stats) -> u64| {
            stats.iter().map(move |(labels, all)| (labels.clone(), all.iter().map(number).sum::<u64>()))
        };
        page.counter("proxy_forwarded", "Clients that reached a leader", counter(|it| it.forwarded))?;
        page.counter("proxy_cut", "Connections cut because a newer epoch came", counter(|it| it.cut))?;
        page.counter("proxy_refused", "Clients that waited too long, or were too many", counter(|it| it.refused))
    }

    fn happened(&self, page: &mut Page<'_>) -> fmt::Result {
        let counts = self.counts.inner();
        let changes = counts.changes.read().into_iter();
        let changes =
            changes.map(|((group, reason), count)| (vec![("group", group), ("reason", reason.into())], count));
        page.counter("leader_changes", "Leaderships that this node saw begin, by reason", changes)?;
        let events = counts.events.read().into_iter().map(|(kind, count)| (vec![("kind", kind)], count));
        page.counter("events", "Events of this node's story, by kind", events)?;
        let alerts = counts.alerts.read().into_iter();
        let alerts = alerts.map(|((name, result), count)| (vec![("alert", name), ("result", result.into())], count));
        page.counter("alerts", "Alerts that this node sent, by what came of each try", alerts)
    }
}

/// Every state, also those that nobody is in: a rule on a number that is not there never fires.
const STATES: [&str; 7] = ["starting", "leader", "standby", "hot-standby", "backup", "failed", "offline"];

fn states(group: &Group) -> impl Iterator<Item = (Labels, f64)> {
    STATES.iter().map(|state| {
        let count = group.members.iter().filter(|member| member.state == *state).count();
        (vec![("group", group.id.clone()), ("state", (*state).to_owned())], count as f64)
    })
}

fn of_group(group: &Group) -> Labels {
    vec![("group", group.id.clone())]
}

fn flag(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}
