//! One kind of call of the store: how long they took, how many went wrong, and how the newest ones went.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::buckets::{Buckets, Counted};

/// Errors that are kept: those of a bad hour say no more than those of its last minutes.
const ERRORS_MAX: usize = 20;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Calls {
    times: Buckets,
    failed: AtomicU64,
    /// Nanoseconds that the newest one took.
    newest: AtomicU64,
    /// Milliseconds since 1970, by the wall clock: for people. 0: never.
    succeeded: AtomicU64,
    broke: AtomicU64,
    errors: Mutex<VecDeque<CallError>>,
}

/// How calls of one kind went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Called {
    /// How many there were, and how many of them went wrong.
    pub count: u64,
    /// See there.
    pub failed: u64,
    /// How long the newest one took; none: there was none.
    pub newest: Option<Duration>,
    /// When one last went well, in milliseconds since 1970 by the wall clock.
    pub succeeded_ms: Option<u64>,
    /// When one last went wrong.
    pub broke_ms: Option<u64>,
    /// What was wrong, newest first.
    pub errors: Vec<CallError>,
}

/// A call that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// When, in milliseconds since 1970 by the wall clock.
    pub at_ms: u64,
    /// In words.
    pub why: String,
}

impl Calls {
    /// One has ended, well or not.
    pub(super) fn note(&self, took: Duration, result: Result<(), &str>) {
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0));
        self.times.add(took);
        self.newest.store(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
        let Err(why) = result else {
            self.succeeded.store(now, Relaxed);
            return;
        };
        self.failed.fetch_add(1, Relaxed);
        self.broke.store(now, Relaxed);
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.push_front(CallError { at_ms: now, why: why.to_owned() });
        errors.truncate(ERRORS_MAX);
    }

    /// How long they took.
    pub(super) fn times(&self) -> Counted {
        self.times.read()
    }

    /// How many went wrong.
    pub(super) fn failed(&self) -> u64 {
        self.failed.load(Relaxed)
    }

    /// All of it.
    pub(super) fn read(&self) -> Called {
        let count = self.times.read().count;
        let at = |time: &AtomicU64| Some(time.load(Relaxed)).filter(|at| *at > 0);
        Called {
            count,
            failed: self.failed(),
            newest: (count > 0).then(|| Duration::from_nanos(self.newest.load(Relaxed))),
            succeeded_ms: at(&self.succeeded),
            broke_ms: at(&self.broke),
            errors: self.errors.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_call_and_the_newest_errors_are_known() {
        let calls = Calls::default();
        assert_eq!(calls.read(), Called::default());
        calls.note(Duration::from_millis(7), Ok(()));
        let well = calls.read();
        assert_eq!((well.count, well.failed, well.newest), (1, 0, Some(Duration::from_millis(7))));
        assert!(well.succeeded_ms.is_some() && well.broke_ms.is_none() && well.errors.is_empty(), "{well:?}");
        for number in 0..30 {
            calls.note(Duration::from_millis(1), Err(&format!("error {number}")));
        }
        let broken = calls.read();
        assert_eq!((broken.count, broken.failed, broken.newest), (31, 30, Some(Duration::from_millis(1))));
        assert_eq!((broken.errors.len(), broken.errors[0].why.as_str()), (ERRORS_MAX, "error 29"));
        assert!(broken.broke_ms.is_some() && broken.succeeded_ms == well.succeeded_ms, "{broken:?}");
    }
}
