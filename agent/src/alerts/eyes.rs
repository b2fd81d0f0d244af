//! What this node sees of the cluster, as far as people may want to be told. It remembers what happened until it is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hotseat_client::{Cluster, Event};
use tokio::sync::watch;

use super::KEY;
use super::certificates::Certificates;
use super::finding::{self, Condition, Conditions, Key};
use super::ledger::{Leading, Ledger};
use super::rule::Rule;
use crate::clock;
use crate::history::History;
use crate::metrics::Counts;
use crate::snapshot::{Facts, Snapshot};

/// Things that happened and were not told yet; what is more is in the story only.
const HAPPENED_MAX: usize = 32;

/// See the module.
pub(super) struct Eyes {
    picture: watch::Receiver<Arc<Snapshot>>,
    facts: Facts,
    beside: watch::Receiver<Arc<BTreeMap<String, u64>>>,
    certificates: Certificates,
    history: History,
    /// The newest event that was read.
    read: u64,
    happened: BTreeMap<Key, Condition>,
    /// The epoch of each group that was seen first.
    first: BTreeMap<String, u64>,
}

/// What there is to see, at one moment.
pub(super) struct Seen {
    pub(super) cluster: Cluster,
    /// Who leads, by group.
    pub(super) leading: BTreeMap<String, Leading>,
    /// The members that are there, by name.
    pub(super) present: Vec<String>,
    conditions: Conditions,
    /// The version of the record of what was said, by the last look at the store.
    pub(super) version: u64,
}

impl Eyes {
    pub(super) fn new(picture: watch::Receiver<Arc<Snapshot>>, facts: Facts, history: History) -> Self {
        let (beside, certificates) = (facts.records.beside(), Certificates::new(&facts.config));
        Self {
            picture,
            facts,
            beside,
            certificates,
            history,
            read: 0,
            happened: BTreeMap::new(),
            first: BTreeMap::new(),
        }
    }

    /// What this agent counts.
    pub(super) fn counts(&self) -> &Counts {
        self.facts.records.counts()
    }

    /// Looks.
    pub(super) fn look(&mut self) -> Seen {
        let snapshot = Arc::clone(&self.picture.borrow());
        let cluster = snapshot.cluster(&self.facts);
        for event in self.history.after(self.read) {
            self.read = event.id;
            self.notice(&event);
        }
        let mut conditions = finding::of(&cluster);
        conditions.extend(self.happened.clone());
        let own = self.facts.embedded.as_ref().and_then(crate::embedded::Facts::certificate);
        let ending: Vec<_> = own.into_iter().chain(self.certificates.ending(clock::now())).collect();
        if !ending.is_empty() {
            let key = Key::new(Rule::CertificateEnding, &cluster.node);
            let text = format!("{}: {}", cluster.node, ending.join("; "));
            conditions.insert(key, Condition::of_node(&cluster.node, text));
        }
        let leading = snapshot.view.groups.iter().map(|group| {
            let first = *self.first.entry(group.id.to_string()).or_insert(group.epoch.0);
            let leading = Leading {
                group: group.id.to_string(),
                epoch: group.epoch.0,
                first,
                node: group.leader.as_ref().map(ToString::to_string),
                planned: self.facts.records.reason(&group.id).is_some_and(|reason| reason.planned()),
            };
            (leading.group.clone(), leading)
        });
        let leading = leading.collect();
        let version = self.beside.borrow().get(KEY).copied().unwrap_or(0);
        Seen { version, leading, present: finding::present(&cluster), conditions, cluster }
    }

    fn notice(&mut self, event: &Event) {
        if let Some((key, condition)) = finding::happened(event)
            && self.happened.len() < HAPPENED_MAX
        {
            self.happened.insert(key, condition);
        }
    }

    /// Calls the other members, where there is a way to them beside the store: this node is stranded.
    pub(super) fn call(&self) {
        if let Some(embedded) = &self.facts.embedded {
            embedded.call();
        }
    }

    /// The others that have called so within this time, by name.
    pub(super) fn stranded(&self, within: Duration) -> Vec<String> {
        self.facts.embedded.as_ref().map(|embedded| embedded.stranded(within)).unwrap_or_default()
    }

    /// This was told, by whomever.
    pub(super) fn forget(&mut self, key: &Key) {
        self.happened.remove(key);
    }

    /// How the beginning of a leadership was told on this node.
    pub(super) fn words(&self, group: &str, epoch: u64) -> String {
        let told = self.history.after(0).into_iter().rev().find(|event| {
            event.kind == "new-leader" && event.epoch == Some(epoch) && event.group.as_deref() == Some(group)
        });
        told.map_or_else(|| format!("the leader of {group} has changed, epoch {epoch}"), |event| event.text)
    }
}

impl Seen {
    /// Everything that is so, and what this record does not know of.
    pub(super) fn conditions(&self, ledger: &Ledger) -> Conditions {
        let mut all = self.conditions.clone();
        // How long one has not heard of somebody is one's own: the first alone says it.
        all.retain(|key, _| key.rule != Rule::StateStale || self.rank() == 0);
        for leading in self.leading.values().filter(|it| ledger.epoch(&it.group).is_none_or(|told| told < it.epoch)) {
            let key = Key::new(Rule::LeaderChange, &format!("{}/{}", leading.group, leading.epoch));
            all.insert(key, Condition::of_group(&leading.group, String::new()));
        }
        for group in self.leading.keys().filter(|group| ledger.flaps(group, std::time::SystemTime::now())) {
            let text = format!("the leader of {group} changes again and again: hotseat events");
            all.insert(Key::new(Rule::Flapping, group), Condition::of_group(group, text));
        }
        all
    }

    /// How many speak before this node.
    pub(super) fn rank(&self) -> u32 {
        let before = self.present.iter().position(|name| *name == self.cluster.node);
        u32::try_from(before.unwrap_or(0)).unwrap_or(u32::MAX)
    }
}
