//! What the agent counts as things happen. Cheap to clone; counting never waits for a scrape.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hotseat_core::{Instant, Lease, Reason};

use super::buckets::Buckets;

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
    pub(super) looks: Buckets,
    /// Compare-and-swap of one.
    pub(super) writes: Buckets,
    pub(super) looks_failed: AtomicU64,
    pub(super) writes_unknown: AtomicU64,
    /// The newest renewal that was counted, and until when the lease was then: nanoseconds of the boot clock.
    renewed: AtomicU64,
    until: AtomicU64,
    /// Of each group, by reason.
    pub(super) changes: Labelled<(String, &'static str)>,
    /// Of each kind.
    pub(super) events: Labelled<String>,
    /// Of each receiver, by what came of it.
    pub(super) alerts: Labelled<(String, &'static str)>,
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

    /// A step was taken, and this is the lease after it. Called by the loop alone.
    pub(crate) fn lease(&self, lease: Option<Lease>, now: Instant) {
        let (renewed, until) = lease.map_or((0, 0), |lease| (lease.renewed.as_nanos(), lease.until.as_nanos()));
        let before = self.0.renewed.load(Relaxed);
        if renewed == before {
            return;
        }
        self.0.renewed.store(renewed, Relaxed);
        let end = self.0.until.swap(until, Relaxed);
        // The first renewal of a lease has nothing left of an earlier one.
        if before > 0 && renewed > before {
            self.0.renewals.add(Duration::from_nanos(now.as_nanos().saturating_sub(renewed)));
            self.0.margins.add(Duration::from_nanos(end.saturating_sub(now.as_nanos())));
        }
    }

    /// The store was listed, or did not answer.
    pub(crate) fn looked(&self, took: Duration, well: bool) {
        self.0.looks.add(took);
        self.0.looks_failed.fetch_add(u64::from(!well), Relaxed);
    }

    /// A record was written or refused, or nobody knows.
    pub(crate) fn wrote(&self, took: Duration, known: bool) {
        self.0.writes.add(took);
        self.0.writes_unknown.fetch_add(u64::from(!known), Relaxed);
    }

    /// A leadership began.
    pub(crate) fn changed(&self, group: &str, reason: &Reason) {
        self.0.changes.add((group.to_owned(), word(reason)));
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

/// A reason as a label: without what differs each time.
const fn word(reason: &Reason) -> &'static str {
    match reason {
        Reason::First => "first",
        Reason::Switchover => "switchover",
        Reason::Stopped => "stopped",
        Reason::ServiceExited(_) => "service-exited",
        Reason::Unhealthy(_) => "unhealthy",
        Reason::NotReady(_) => "not-ready",
        Reason::Proven => "proven",
        Reason::Silent => "silent",
        Reason::Replaced => "replaced",
        Reason::Failback => "failback",
        Reason::Ordered(_) => "ordered",
    }
}

#[cfg(test)]
mod tests {
    use hotseat_core::{Nonce, SessionId};

    use super::*;

    #[test]
    fn a_renewal_is_counted_once_and_the_first_of_a_lease_is_none() {
        let at = |millis: u64| Instant::from_nanos(millis * 1_000_000);
        let lease = |renewed, until| {
            Some(Lease { session: SessionId { ordinal: 1, id: Nonce(1) }, until: at(until), renewed: at(renewed) })
        };
        let counts = Counts::default();
        let told = || {
            let inner = counts.inner();
            (inner.renewals.read().count, inner.renewals.read().sum, inner.margins.read().sum)
        };
        counts.lease(lease(100, 600), at(105));
        assert_eq!(told(), (0, 0.0, 0.0));
        counts.lease(lease(200, 700), at(230));
        counts.lease(lease(200, 700), at(280));
        assert_eq!(told(), (1, 0.03, 0.37));
        counts.lease(None, at(950));
        counts.lease(lease(1000, 1500), at(1001));
        assert_eq!(told().0, 1, "another lease");
    }
}
