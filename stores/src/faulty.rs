//! Any store, with faults put in on purpose: for tests. The same seed and the same order of calls
//! give the same faults.
//!
//! It never makes a wrong answer: only lost, late and missing ones, which every caller must survive.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::{Body, Entry, Hints, Key, Store, Unavailable, Written};

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call is done; its answer is lost.
    AnswerLost,
    /// The call never reaches the store, and the caller cannot know.
    CallLost,
    /// The call is done after this time, and answered.
    Delay(Duration),
    /// The caller is told that the outcome is unknown now; a write is done after this time.
    Late(Duration),
}

/// The knobs, shared by every clone of a [`Faulty`].
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    outage: bool,
    next: VecDeque<Fault>,
    random: Vec<(u32, Fault)>,
    seed: u64,
}

impl Faults {
    /// From now on, or no longer: nothing reaches the store. Calls fail at once; writes are unknown.
    pub fn outage(&self, on: bool) {
        self.state().outage = on;
    }

    /// The next call without a scripted fault gets this one.
    pub fn script(&self, fault: Fault) {
        self.state().next.push_back(fault);
    }

    /// Each call gets `fault` with this chance in a thousand; chances of several faults add up.
    pub fn at_random(&self, per_mille: u32, fault: Fault) {
        self.state().random.push((per_mille, fault));
    }

    /// No fault any more, scripted, random or outage.
    pub fn heal(&self) {
        let mut state = self.state();
        let seed = state.seed;
        *state = State { seed, ..State::default() };
    }

    fn draw(&self) -> Option<Fault> {
        let mut state = self.state();
        if state.outage {
            return Some(Fault::CallLost);
        }
        if let Some(fault) = state.next.pop_front() {
            return Some(fault);
        }
        let mut roll = (split_mix(&mut state.seed) % 1000) as u32;
        for (chance, fault) in &state.random {
            if roll < *chance {
                return Some(*fault);
            }
            roll -= chance;
        }
        None
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next number of the SplitMix64 sequence.
fn split_mix(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// `S` behind a bad road.
#[derive(Debug)]
pub struct Faulty<S> {
    store: Arc<S>,
    faults: Faults,
}

impl<S> Clone for Faulty<S> {
    fn clone(&self) -> Self {
        Faulty { store: self.store.clone(), faults: self.faults.clone() }
    }
}

impl<S: Store> Faulty<S> {
    /// Wraps `store`; no faults yet. `seed` decides the random ones.
    pub fn new(store: S, seed: u64) -> Faulty<S> {
        let faults = Faults::default();
        faults.state().seed = seed;
        Faulty { store: Arc::new(store), faults }
    }

    /// The knobs.
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    async fn look<T>(&self, call: impl Future<Output = Result<T, Unavailable>>) -> Result<T, Unavailable> {
        match self.faults.draw() {
            None => call.await,
            Some(Fault::Delay(time)) => {
                tokio::time::sleep(time).await;
                call.await
            }
            Some(fault @ (Fault::AnswerLost | Fault::CallLost | Fault::Late(_))) => Err(Unavailable(injected(fault))),
        }
    }
}

fn injected(fault: Fault) -> String {
    format!("injected fault: {fault:?}")
}

#[async_trait]
impl<S: Store> Store for Faulty<S> {
    fn kind(&self) -> &str {
        self.store.kind()
    }

    fn identity(&self) -> Option<String> {
        self.store.identity()
    }

    fn single_point_of_failure(&self) -> Option<String> {
        self.store.single_point_of_failure()
    }

    async fn list(&self) -> Result<Vec<Entry>, Unavailable> {
        self.look(self.store.list()).await
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        self.look(self.store.read(key)).await
    }

    async fn write(&self, key: &Key, expect: Option<u64>, nonce: u128, body: Body) -> Written {
        let Some(fault) = self.faults.draw() else {
            return self.store.write(key, expect, nonce, body).await;
        };
        match fault {
            Fault::Delay(time) => {
                tokio::time::sleep(time).await;
                return self.store.write(key, expect, nonce, body).await;
            }
            Fault::AnswerLost => {
                self.store.write(key, expect, nonce, body).await;
            }
            Fault::Late(time) => {
                let (store, key) = (self.store.clone(), key.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(time).await;
                    store.write(&key, expect, nonce, body).await;
                });
            }
            Fault::CallLost => {}
        }
        Written::Unknown(injected(fault))
    }

    fn watch(&self) -> Hints {
        self.store.watch()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    async fn outcomes(seed: u64) -> Vec<bool> {
        let store = Faulty::new(Memory::new(), seed);
        store.faults().at_random(300, Fault::CallLost);
        let mut outcomes = Vec::new();
        for _ in 0..50 {
            outcomes.push(store.list().await.is_ok());
        }
        outcomes
    }

    #[tokio::test]
    async fn one_seed_is_one_run() {
        assert_eq!(outcomes(7).await, outcomes(7).await);
        assert_ne!(outcomes(7).await, outcomes(8).await);
    }

    #[tokio::test]
    async fn a_lost_answer_is_applied_and_a_lost_call_is_not() {
        let store = Faulty::new(Memory::new(), 0);
        let (key, body) = (Key::parse("a").unwrap(), Body::new("x").unwrap());
        store.faults().script(Fault::CallLost);
        assert!(matches!(store.write(&key, None, 1, body.clone()).await, Written::Unknown(_)));
        assert_eq!(store.read(&key).await, Ok(None));
        store.faults().script(Fault::AnswerLost);
        assert!(matches!(store.write(&key, None, 2, body.clone()).await, Written::Unknown(_)));
        assert_eq!(store.read(&key).await.unwrap().map(|e| e.version), Some(1));
        store.faults().outage(true);
        assert!(store.list().await.is_err());
        store.faults().heal();
        assert!(store.list().await.is_ok());
    }
}
