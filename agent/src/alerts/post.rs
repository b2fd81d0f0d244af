//! Carries parcels: tries again with growing pauses, a bounded number of times, and says after each try what came of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};

use super::ledger::{Parcel, State};
use super::send;
use crate::config::Config;

/// Tries of one alert at one receiver: with the pauses between them, about half an hour.
pub(super) const TRIES_MAX: u32 = 12;

/// Pause before the second try; it doubles with each.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// Longest pause: a receiver that is back is told soon.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// Messages that are sent at a time: a receiver that hangs does not hold up the others.
const AT_ONCE: usize = 8;

/// Outcomes that wait for the desk; their senders wait when it is full.
pub(super) const OUTCOMES: usize = 64;

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) parcel: Parcel,
    pub(super) state: State,
    /// How often it was tried, this time included.
    pub(super) tries: u32,
    pub(super) answer: String,
}

/// See the module.
pub(super) struct Post {
    config: Arc<Config>,
    exe: PathBuf,
    places: Arc<Semaphore>,
    outcomes: mpsc::Sender<Outcome>,
}

impl Post {
    pub(super) fn new(config: Arc<Config>, exe: PathBuf, outcomes: mpsc::Sender<Outcome>) -> Self {
        Self { config, exe, places: Arc::new(Semaphore::new(AT_ONCE)), outcomes }
    }

    /// Sends a parcel until it has arrived or is given up; ends with the desk.
    pub(super) fn carry(&self, parcel: Parcel) {
        let (config, exe, places) = (Arc::clone(&self.config), self.exe.clone(), Arc::clone(&self.places));
        let outcomes = self.outcomes.clone();
        tokio::spawn(async move {
            let Some(to) = config.alerts.iter().find(|alert| alert.name == parcel.name) else { return };
            for tries in parcel.tries + 1.. {
                let Ok(place) = places.acquire().await else { return };
                let answer = send::send(&exe, to, &parcel.alert).await;
                drop(place);
                let state = state(&answer, tries);
                let answer = answer.unwrap_or_else(|why| why);
                let outcome = Outcome { parcel: parcel.clone(), state, tries, answer };
                if outcomes.send(outcome).await.is_err() || state != State::Sending {
                    return;
                }
                tokio::time::sleep(pause(tries)).await;
            }
        });
    }
}

const fn state(answer: &Result<String, String>, tries: u32) -> State {
    match answer {
        Ok(_) => State::Sent,
        Err(_) if tries >= TRIES_MAX => State::Failed,
        Err(_) => State::Sending,
    }
}

fn pause(tries: u32) -> Duration {
    PAUSE_MIN.saturating_mul(1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        let pauses: Vec<_> = (1..TRIES_MAX).map(|tries| pause(tries).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(pause(1000), PAUSE_MAX);
        assert_eq!(state(&Err(String::new()), TRIES_MAX), State::Failed);
        assert_eq!(state(&Err(String::new()), TRIES_MAX - 1), State::Sending);
    }
}
