//! What a proxy counts. Counting never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use super::tally::Tally;

/// What a proxy does now and has done since it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Stats {
    /// Clients that wait now.
    pub parked: usize,
    /// Connections that are carried now.
    pub active: usize,
    /// Clients that reached a leader, ever.
    pub forwarded: u64,
    /// Connections that were cut because a newer epoch came, ever.
    pub cut: u64,
    /// Clients that were refused, ever: held too long, or too many.
    pub refused: u64,
    /// The longest any client waited, reached a leader or not, since the last reading.
    pub waited_max: Duration,
}

/// The numbers behind [`Stats`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) parked: Arc<AtomicUsize>,
    pub(super) active: Arc<AtomicUsize>,
    forwarded: AtomicU64,
    cut: AtomicU64,
    refused: AtomicU64,
    waited_max_ns: AtomicU64,
    pub(super) tally: Tally,
}

impl Counters {
    pub(super) fn forwarded(&self) {
        self.forwarded.fetch_add(1, Relaxed);
    }

    pub(super) fn cut(&self) {
        self.cut.fetch_add(1, Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(super) fn waited(&self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.waited_max_ns.fetch_max(ns, Relaxed);
    }

    /// Reads all; the longest wait is forgotten.
    pub(super) fn read(&self) -> Stats {
        Stats {
            parked: self.parked.load(Relaxed),
            active: self.active.load(Relaxed),
            forwarded: self.forwarded.load(Relaxed),
            cut: self.cut.load(Relaxed),
            refused: self.refused.load(Relaxed),
            waited_max: Duration::from_nanos(self.waited_max_ns.swap(0, Relaxed)),
        }
    }
}

/// Counts one as long as it lives, also when its task is aborted.
pub(super) struct Counted(Arc<AtomicUsize>);

impl Counted {
    pub(super) fn new(gauge: &Arc<AtomicUsize>) -> Self {
        gauge.fetch_add(1, Relaxed);
        Self(Arc::clone(gauge))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
