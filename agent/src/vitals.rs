//! How well this node keeps its lease: the slowest answer to a renewal, and the least time that was left when one came.
//!
//! The loop leaves two numbers here with each renewal and never waits; who wants to know takes them, and a new count begins.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hotseat_core::{Instant, Lease};

/// See the module. Its fields are nanoseconds, of the boot clock where they are times.
#[derive(Debug)]
pub struct Vitals {
    renewed: AtomicU64,
    until: AtomicU64,
    slowest: AtomicU64,
    thinnest: AtomicU64,
}

/// What was worst since somebody last asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vital {
    /// From the sending of a renewal to its acknowledgement.
    pub answer: Duration,
    /// What was left of the lease when it was extended.
    pub margin: Duration,
}

/// Of no renewal at all.
const NONE: u64 = u64::MAX;

impl Default for Vitals {
    fn default() -> Self {
        Self {
            renewed: AtomicU64::new(0),
            until: AtomicU64::new(0),
            slowest: AtomicU64::new(0),
            thinnest: AtomicU64::new(NONE),
        }
    }
}

impl Vitals {
    /// A step has been taken, and this is the lease after it. Called by the loop alone.
    pub fn note(&self, lease: Option<Lease>, now: Instant) {
        let (renewed, until) = lease.map_or((0, 0), |lease| (lease.renewed.as_nanos(), lease.until.as_nanos()));
        let before = self.renewed.swap(renewed, Ordering::Relaxed);
        if renewed == before {
            return;
        }
        let end = self.until.swap(until, Ordering::Relaxed);
        // The first renewal of a lease has nothing left of an earlier one.
        if before > 0 && renewed > before {
            self.slowest.fetch_max(now.as_nanos().saturating_sub(renewed), Ordering::Relaxed);
            self.thinnest.fetch_min(end.saturating_sub(now.as_nanos()), Ordering::Relaxed);
        }
    }

    /// The worst since the last call; nothing if no renewal was acknowledged meanwhile.
    #[must_use]
    pub fn take(&self) -> Option<Vital> {
        let (slowest, thinnest) =
            (self.slowest.swap(0, Ordering::Relaxed), self.thinnest.swap(NONE, Ordering::Relaxed));
        let time = Duration::from_nanos;
        (thinnest != NONE).then(|| Vital { answer: time(slowest), margin: time(thinnest) })
    }
}

#[cfg(test)]
mod tests {
    use hotseat_core::{Nonce, SessionId};

    use super::*;

    #[test]
    fn the_worst_renewal_is_told_once() {
        let at = |millis: u64| Instant::from_nanos(millis * 1_000_000);
        let lease = |renewed, until| {
            Some(Lease { session: SessionId { ordinal: 1, id: Nonce(1) }, until: at(until), renewed: at(renewed) })
        };
        let vitals = Vitals::default();
        vitals.note(lease(100, 600), at(105));
        assert_eq!(vitals.take(), None, "the first of a lease extends nothing");
        vitals.note(lease(200, 700), at(230));
        vitals.note(lease(200, 700), at(280));
        vitals.note(lease(400, 900), at(410));
        let worst = Vital { answer: Duration::from_millis(30), margin: Duration::from_millis(290) };
        assert_eq!(vitals.take(), Some(worst));
        assert_eq!(vitals.take(), None);
        vitals.note(None, at(950));
        vitals.note(lease(1000, 1500), at(1001));
        assert_eq!(vitals.take(), None, "another lease");
    }
}
