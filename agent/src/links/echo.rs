//! What was said lately, and need not be said again.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Words that are remembered; the oldest go first, and may be said again then.
const WORDS_MAX: usize = 64;

pub(super) struct Echo {
    time: Duration,
    said: Mutex<VecDeque<(String, Instant)>>,
}

impl Echo {
    /// The same words are new again after this time.
    pub(super) fn new(time: Duration) -> Self {
        Self { time, said: Mutex::default() }
    }

    /// Whether these words are new; from now on they are not.
    pub(super) fn is_news(&self, words: &str, now: Instant) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.retain(|(_, at)| now.duration_since(*at) < self.time);
        if said.iter().any(|(known, _)| known == words) {
            return false;
        }
        if said.len() == WORDS_MAX {
            said.pop_front();
        }
        said.push_back((words.to_owned(), now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_once_and_nothing_grows() {
        let (echo, now) = (Echo::new(Duration::from_secs(60)), Instant::now());
        assert_eq!([(); 3].map(|()| echo.is_news("a", now)), [true, false, false]);
        assert!(echo.is_news("b", now) && !echo.is_news("a", now + Duration::from_secs(59)));
        assert!(echo.is_news("a", now + Duration::from_secs(60)), "after a while it is news again");
        (0..1000).for_each(|word| assert!(echo.is_news(&word.to_string(), now)));
        assert!(echo.said.lock().expect("nobody panicked").len() <= WORDS_MAX);
    }
}
