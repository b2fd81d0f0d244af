//! What clients of one proxy saw of the newest change of leader: how long they were held, and when the first was served.
//!
//! Counting never waits: who was not held only looks at a number.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use hotseat_core::Instant;
use tokio::sync::watch;

use crate::clock;

/// What is known of one leadership's first clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Change {
    /// Under which epoch they were served.
    pub epoch: u64,
    /// When the first of them was: the head of its answer came, or its connection stood where nothing is known of answers.
    pub first: Option<Instant>,
    /// How many had been held.
    pub held: u64,
    /// The longest of them, from its coming to its answer.
    pub longest: Duration,
}

/// A handle on it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tally {
    epoch: Arc<AtomicU64>,
    change: watch::Sender<Change>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { epoch: Arc::default(), change: watch::Sender::new(Change::default()) }
    }
}

impl Tally {
    /// A client was served under this epoch, and had been held so long, if it had.
    pub(super) fn served(&self, epoch: u64, held: Option<Duration>) {
        if held.is_none() && self.epoch.load(Relaxed) >= epoch {
            return;
        }
        let now = clock::now();
        self.change.send_if_modified(|change| {
            if epoch < change.epoch {
                // It took its time; the numbers are of a later one by now.
                return false;
            }
            if epoch > change.epoch {
                *change = Change { epoch, first: Some(now), ..Change::default() };
                self.epoch.store(epoch, Relaxed);
            }
            if let Some(held) = held {
                change.held += 1;
                change.longest = change.longest.max(held);
            }
            true
        });
    }

    /// What there is to say now.
    #[must_use]
    pub fn change(&self) -> Change {
        *self.change.borrow()
    }

    /// Waits until somebody was served under this epoch, or a later one.
    pub async fn first(&self, epoch: u64) {
        let mut changes = self.change.subscribe();
        // This handle is a sender: it cannot be closed while we wait.
        let _open = changes.wait_for(|change| change.epoch >= epoch).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn the_longest_of_the_newest_epoch_counts() {
        let tally = Tally::default();
        let check = |epoch, held, expected: (u64, u64, u64)| {
            tally.served(epoch, held);
            let change = tally.change();
            assert_eq!((change.epoch, change.held, change.longest), (expected.0, expected.1, MS(expected.2)));
        };
        check(1, None, (1, 0, 0));
        check(1, Some(MS(7)), (1, 1, 7));
        check(2, Some(MS(3)), (2, 1, 3));
        check(2, None, (2, 1, 3));
        check(1, Some(MS(900)), (2, 1, 3));
        check(2, Some(MS(5)), (2, 2, 5));
        let first = tally.change().first;
        check(2, Some(MS(1)), (2, 3, 5));
        assert_eq!(tally.change().first, first, "the first stays the first");
    }
}
