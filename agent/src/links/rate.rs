//! So many in so long, and no more.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Counts what happens in one stretch of time after another.
pub(crate) struct Rate {
    most: u32,
    time: Duration,
    /// When the stretch began, and how many there were in it.
    stretch: Mutex<Option<(Instant, u32)>>,
}

impl Rate {
    pub(crate) fn new(most: u32, time: Duration) -> Self {
        Self { most, time, stretch: Mutex::new(None) }
    }

    /// Whether one more may be.
    pub(crate) fn may(&self, now: Instant) -> bool {
        let mut stretch = self.stretch.lock().unwrap_or_else(PoisonError::into_inner);
        let running = stretch.filter(|(began, _)| now.duration_since(*began) < self.time);
        let (began, count) = running.unwrap_or((now, 0));
        *stretch = Some((began, count.saturating_add(1)));
        count < self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_time_heals() {
        let (rate, now) = (Rate::new(2, Duration::from_secs(1)), Instant::now());
        assert_eq!([(); 4].map(|()| rate.may(now)), [true, true, false, false]);
        assert!(!rate.may(now + Duration::from_millis(999)));
        assert_eq!([(); 3].map(|()| rate.may(now + Duration::from_secs(1))), [true, true, false]);
    }
}
