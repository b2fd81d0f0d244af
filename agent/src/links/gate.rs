//! How many may be at the door, and how many inside. A stranger can use up its own places, not those of others.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Lane;
use super::rate::Rate;
use crate::places::{Most, Place, Places};

/// Connections that are not known yet, all together: each costs a handshake and has seconds to make it.
const SHAKING_MAX: usize = 256;

/// The same from one network: all lanes of several nodes behind one address, twice.
const SHAKING_EACH: usize = 32;

const SHAKING: Most = Most { all: SHAKING_MAX, each: SHAKING_EACH, here: SHAKING_EACH, kept: 0 };

/// Connections of one peer on one lane: the one in use, and its successor while it drains.
const INSIDE_EACH: usize = 2;

/// Nodes that are let in at once: each may wait for the log.
const JOINING_MAX: usize = 4;

/// Attempts to join in a second: whoever guesses gets no further, and keeps no member from its work.
const JOINS_MAX: u32 = 10;

pub(super) struct Gate {
    shaking: Arc<Places>,
    inside: Mutex<HashMap<(u64, Lane), VecDeque<CancellationToken>>>,
    joining: Semaphore,
    joins: Rate,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            shaking: Places::new(String::from("the door of the links"), SHAKING),
            inside: Mutex::default(),
            joining: Semaphore::new(JOINING_MAX),
            joins: Rate::new(JOINS_MAX, Duration::from_secs(1)),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gate {
    /// A place at the door. Where there are too many, who came first goes: a handshake is soon made by who means it.
    pub(super) fn shake(&self, address: IpAddr) -> Option<Place> {
        self.shaking.enter(address, address.is_loopback())
    }

    /// A place inside. The oldest connection of that peer on that lane goes, if there is one too many.
    pub(super) fn enter(&self, id: u64, lane: Lane, closing: CancellationToken) {
        let mut inside = locked(&self.inside);
        let here = inside.entry((id, lane)).or_default();
        here.retain(|it| !it.is_cancelled());
        here.push_back(closing);
        if here.len() > INSIDE_EACH {
            here.pop_front().expect("there are more than two").cancel();
        }
    }

    /// Connections that are over leave their places.
    pub(super) fn leave(&self, id: u64, lane: Lane) {
        let mut inside = locked(&self.inside);
        if let Some(here) = inside.get_mut(&(id, lane)) {
            here.retain(|it| !it.is_cancelled());
            if here.is_empty() {
                inside.remove(&(id, lane));
            }
        }
    }

    /// A place for a node that wants to join.
    pub(super) fn join(&self) -> Option<SemaphorePermit<'_>> {
        self.joins.may(Instant::now()).then(|| self.joining.try_acquire().ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn one_address_cannot_take_all_places() {
        let gate = Gate::default();
        let (flood, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let others = gate.shake(other).unwrap();
        let places: Vec<_> = (0..SHAKING_EACH).map(|_| gate.shake(flood).unwrap()).collect();
        let last = gate.shake(flood).expect("whoever comes is taken");
        assert_eq!(places[0].hold(pending::<()>()).await, None, "who came first goes");
        for stays in [&others, &places[1], &last] {
            assert_eq!(stays.hold(ready(())).await, Some(()));
        }
    }

    #[test]
    fn a_third_connection_ends_the_first() {
        let (gate, tokens) = (Gate::default(), [(); 3].map(|()| CancellationToken::new()));
        tokens.iter().for_each(|token| gate.enter(1, Lane::Log, token.clone()));
        assert_eq!(tokens.each_ref().map(CancellationToken::is_cancelled), [true, false, false]);
        gate.leave(1, Lane::Log);
        tokens[1].cancel();
        gate.enter(1, Lane::Log, CancellationToken::new());
        assert!(!tokens[2].is_cancelled());
    }
}
