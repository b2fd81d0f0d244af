//! So many in so long, and no more.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Counts what happens in one stretch of time after another.
pub(super) struct Rate {
    most: u32,
    time: Duration,
    /// When the stretch began, and how many there were in it.
    now: Mutex<Option<(Instant, u32)>>,
}

impl Rate {
    pub(super) fn new(most: u32, time: Duration) -> Self {
        Self { most, time, now: Mutex::new(None) }
    }

    /// Whether one more may be.
    pub(super) fn may(&self) -> bool {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, count) = now.filter(|(began, _)| began.elapsed() < self.time).unwrap_or((Instant::now(), 0));
        *now = Some((began, count.saturating_add(1)));
        count < self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_cut_and_time_heals() {
        let rate = Rate::new(2, Duration::from_secs(1));
        assert_eq!([rate.may(), rate.may(), rate.may(), rate.may()], [true, true, false, false]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!([rate.may(), rate.may(), rate.may()], [true, true, false]);
    }
}
