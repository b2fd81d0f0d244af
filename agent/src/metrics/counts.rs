//! What the agent counts as things happen. Cheap to clone; counting never waits for a scrape.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hotseat_core::{Answer, Reason};

use super::buckets::{Buckets, Counted};
use super::calls::{Called, Calls};
use crate::story;

/// Different labels that are counted of one thing: groups, kinds of event, receivers. More are one more, "other".
const LABELS_MAX: usize = 256;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Counts(Arc<Inner>);

#[derive(Debug, Default)]
pub(super) struct Inner {
    /// From sending a renewal to its acknowledgement.
    pub(super) renewals: Buckets,
    /// What was left of the lease when a renewal was acknowledged.
    pub(super) margins: Buckets,
    /// Listing every record.
    pub(super) looks: Calls,
    /// Compare-and-swap of one; wrong is one of which nobody knows what came of it.
    pub(super) writes: Calls,
    sent: AtomicU64,
    missed: AtomicU64,
    /// What this node has answered as a voter.
    pub(super) votes: Votes,
    /// Of each group, planned or not: how long nobody served until this node did.
    outages: Mutex<BTreeMap<(String, bool), Buckets>>,
    /// The newest of each group, and the epoch that it was before.
    newest: Mutex<BTreeMap<String, (u64, Duration)>>,
    /// Of each group, by reason.
    pub(super) changes: Labelled<(String, &'static str)>,
    /// Of each kind.
    pub(super) events: Labelled<String>,
    /// Of each receiver, by what came of it.
    pub(super) alerts: Labelled<(String, &'static str)>,
}

/// Answers of a voter, by kind.
#[derive(Debug, Default)]
pub(super) struct Votes {
    acknowledged: AtomicU64,
    refused: AtomicU64,
    promised: AtomicU64,
}

impl Votes {
    /// Each with its word.
    pub(super) fn read(&self) -> [(&'static str, u64); 3] {
        [
            ("acknowledged", self.acknowledged.load(Relaxed)),
            ("refused", self.refused.load(Relaxed)),
            ("promised", self.promised.load(Relaxed)),
        ]
    }
}

impl Inner {
    pub(super) fn renewals_sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    pub(super) fn renewals_missed(&self) -> u64 {
        self.missed.load(Relaxed)
    }

    /// Each group's outages, planned or not.
    pub(super) fn outages(&self) -> Vec<((String, bool), Counted)> {
        let outages = self.outages.lock().unwrap_or_else(PoisonError::into_inner);
        outages.iter().map(|(key, times)| (key.clone(), times.read())).collect()
    }

    /// How long nobody served before this epoch of the group, if this node has measured that.
    pub(super) fn outage_before(&self, group: &str, epoch: u64) -> Option<Duration> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.get(group).filter(|(its, _)| *its == epoch).map(|(_, lasted)| *lasted)
    }
}

/// Numbers of things that are rare enough for a lock.
#[derive(Debug)]
pub(super) struct Labelled<K>(Mutex<BTreeMap<K, u64>>);

impl<K> Default for Labelled<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord + Clone> Labelled<K> {
    fn add(&self, key: K) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() < LABELS_MAX || counts.contains_key(&key) {
            *counts.entry(key).or_default() += 1;
        }
    }

    pub(super) fn read(&self) -> Vec<(K, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(key, count)| (key.clone(), *count)).collect()
    }
}

impl Counts {
    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// A renewal was sent.
    pub(super) fn sent(&self) {
        self.0.sent.fetch_add(1, Relaxed);
    }

    /// So many were not acknowledged, and will not be.
    pub(super) fn missed(&self, count: usize) {
        self.0.missed.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Relaxed);
    }

    /// One was acknowledged, so long after its sending, and so much was left of the lease.
    pub(super) fn renewed(&self, took: Duration, left: Duration) {
        self.0.renewals.add(took);
        self.0.margins.add(left);
    }

    /// This node answers as a voter.
    pub(crate) fn vote(&self, answer: &Answer) {
        let votes = &self.0.votes;
        match answer {
            Answer::Heard(..) => votes.acknowledged.fetch_add(1, Relaxed),
            Answer::Refused(_) => votes.refused.fetch_add(1, Relaxed),
            Answer::Promised(_) => votes.promised.fetch_add(1, Relaxed),
            // It binds nobody.
            Answer::Would(..) => 0,
        };
    }

    /// This node leads the group in that epoch, and serves; for so long nobody did.
    pub(crate) fn outage(&self, group: &str, epoch: u64, planned: bool, lasted: Duration) {
        let mut outages = self.0.outages.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (group.to_owned(), planned);
        if outages.len() < LABELS_MAX || outages.contains_key(&key) {
            outages.entry(key).or_default().add(lasted);
            let mut newest = self.0.newest.lock().unwrap_or_else(PoisonError::into_inner);
            newest.insert(group.to_owned(), (epoch, lasted));
        }
    }

    /// The store was listed, or did not answer.
    pub(crate) fn looked(&self, took: Duration, result: Result<(), &str>) {
        self.0.looks.note(took, result);
    }

    /// A record was written or refused, or nobody knows.
    pub(crate) fn wrote(&self, took: Duration, result: Result<(), &str>) {
        self.0.writes.note(took, result);
    }

    /// How listing the store goes, and how writing there does.
    #[must_use]
    pub fn calls(&self) -> (Called, Called) {
        (self.0.looks.read(), self.0.writes.read())
    }

    /// A leadership began.
    pub(crate) fn changed(&self, group: &str, reason: &Reason) {
        self.0.changes.add((group.to_owned(), story::word(reason)));
    }

    /// Something was told.
    pub(crate) fn event(&self, kind: &str) {
        self.0.events.add(kind.to_owned());
    }

    /// An alert was sent to this receiver, or not.
    pub(crate) fn alert(&self, name: &str, result: &'static str) {
        self.0.alerts.add((name.to_owned(), result));
    }
}
