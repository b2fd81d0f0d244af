//! How long something took, counted in buckets. Counting is a few additions, without a lock: the one loop does it.
//!
//! The library's own histogram takes a lock, and a scrape holds that while it copies.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds, in seconds: from a renewal over a loopback to a group that nobody led for a minute.
const BOUNDS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    /// One more than bounds: what is longer than all of them.
    counts: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

/// What was counted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counted {
    /// Of everything, in seconds.
    pub(super) sum: f64,
    /// How many there were.
    pub(super) count: u64,
    /// Bounds, and how many fell between each and the one before; the last bound is infinite.
    pub(super) buckets: Vec<(f64, u64)>,
}

impl Buckets {
    /// One more.
    pub(super) fn add(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let place = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.counts[place].fetch_add(1, Relaxed);
        self.nanos.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Everything so far. What is added meanwhile may be in one number and not yet in another.
    pub(super) fn read(&self) -> Counted {
        let counts = self.counts.iter().map(|count| count.load(Relaxed));
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        Counted { sum: Duration::from_nanos(self.nanos.load(Relaxed)).as_secs_f64(), count, buckets }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_falls_into_one_bucket() {
        let buckets = Buckets::default();
        for millis in [0, 1, 2, 100, 61_000] {
            buckets.add(Duration::from_millis(millis));
        }
        let counted = buckets.read();
        assert_eq!(counted.count, 5);
        assert!((counted.sum - 61.103).abs() < 1e-9, "{}", counted.sum);
        let filled: Vec<_> = counted.buckets.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0.0005, 1), (0.001, 1), (0.0025, 1), (0.1, 1), (f64::INFINITY, 1)]);
    }
}
