//! The suite finds every way in which a store can be broken: one broken store each.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hotseat_stores::{Body, Entry, Hints, Key, Memory, Store, Unavailable, Written, conformance};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    /// Looks, then writes: two may do it at once.
    TwoWinners,
    /// Creates what is there.
    CreationReplaces,
    /// Takes any expected version that was ever current.
    StaleWriterWins,
    /// Says refused, but has written.
    RefusedIsApplied,
    /// Says applied, but has not written.
    AppliedIsLost,
    /// The same bytes make no version.
    EqualBytesAreNoWrite,
    /// Lists what it has in mind to write.
    TornReads,
    /// Now and then leaves a record out.
    ListForgets,
    /// Ignores the case of keys.
    IgnoresCase,
    /// Cuts big bodies.
    CutsBodies,
    /// Does not say whose write a version was.
    ForgetsNonces,
}

/// Version, nonce, body.
type Stored = (u64, u128, Body);

#[derive(Clone)]
struct Broken {
    flaw: Flaw,
    records: Arc<Mutex<BTreeMap<Key, Stored>>>,
    calls: Arc<Mutex<u64>>,
}

impl Broken {
    fn new(flaw: Flaw) -> Broken {
        Broken { flaw, records: Arc::default(), calls: Arc::default() }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn every(&self, nth: u64) -> bool {
        let mut calls = self.calls.lock().unwrap();
        *calls += 1;
        calls.is_multiple_of(nth)
    }

    fn stored(&self, key: &Key) -> Key {
        if self.is(Flaw::IgnoresCase) { Key::parse(&key.as_str().to_lowercase()).unwrap() } else { key.clone() }
    }

    fn get(&self, key: &Key) -> Option<Stored> {
        self.records.lock().unwrap().get(key).cloned()
    }
}

fn entry(key: &Key, (version, nonce, body): &Stored) -> Entry {
    Entry { key: key.clone(), version: *version, nonce: *nonce, body: Ok(body.clone()) }
}

#[async_trait]
impl Store for Broken {
    fn kind(&self) -> &str {
        "broken"
    }

    fn single_point_of_failure(&self) -> Option<String> {
        None
    }

    async fn list(&self) -> Result<Vec<Entry>, Unavailable> {
        let skip = usize::from(self.is(Flaw::ListForgets) && self.every(7));
        let records = self.records.lock().unwrap();
        Ok(records.iter().map(|(key, record)| entry(key, record)).skip(skip * records.len()).collect())
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        Ok(self.get(&self.stored(key)).map(|record| entry(&self.stored(key), &record)))
    }

    async fn write(&self, key: &Key, expect: Option<u64>, nonce: u128, body: Body) -> Written {
        let key = self.stored(key);
        let found = self.get(&key);
        let current = found.as_ref().map(|(version, ..)| *version);
        let stale = self.is(Flaw::StaleWriterWins) && expect.is_some() && expect < current;
        let replaces = self.is(Flaw::CreationReplaces) && expect.is_none();
        if current != expect && !stale && !replaces {
            return Written::Refused;
        }
        let version = expect.unwrap_or(0) + 1;
        if self.is(Flaw::TwoWinners) {
            tokio::task::yield_now().await;
        }
        if self.is(Flaw::TornReads) {
            let torn = Body::new(&body[..body.len() / 2]).unwrap();
            self.records.lock().unwrap().insert(key.clone(), (version, nonce, torn));
            tokio::time::sleep(std::time::Duration::from_micros(200)).await;
        }
        if self.is(Flaw::AppliedIsLost) && self.every(5) {
            return Written::Applied { version };
        }
        if self.is(Flaw::EqualBytesAreNoWrite) && found.is_some_and(|(.., old)| old == body) {
            return Written::Applied { version };
        }
        let kept = if self.is(Flaw::CutsBodies) { Body::new(&body[..body.len().min(9999)]).unwrap() } else { body };
        let nonce = if self.is(Flaw::ForgetsNonces) { 1 } else { nonce };
        self.records.lock().unwrap().insert(key, (version, nonce, kept));
        if self.is(Flaw::RefusedIsApplied) && self.every(5) {
            return Written::Refused;
        }
        Written::Applied { version }
    }

    fn watch(&self) -> Hints {
        Memory::new().watch()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_flaw_is_found() {
    use Flaw::*;
    let flaws = [
        TwoWinners,
        CreationReplaces,
        StaleWriterWins,
        RefusedIsApplied,
        AppliedIsLost,
        EqualBytesAreNoWrite,
        TornReads,
        ListForgets,
        IgnoresCase,
        CutsBodies,
        ForgetsNonces,
    ];
    for flaw in flaws {
        let store = Broken::new(flaw);
        let found = conformance::all(async || Arc::new(store.clone()) as Arc<dyn Store>).await;
        let found = found.expect_err(&format!("{flaw:?} went unseen"));
        println!("{flaw:?}: {}", found.0.lines().next().unwrap_or_default());
    }
}

/// The history alone, without the checks that look for one flaw each, finds two winners too.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_checker_finds_two_winners_in_a_history() {
    let store = Broken::new(Flaw::TwoWinners);
    let handles: Vec<Arc<dyn Store>> = (0..4).map(|_| Arc::new(store.clone()) as Arc<dyn Store>).collect();
    for _ in 0..50 {
        let histories = conformance::record(&handles, conformance::Plan::default()).await.unwrap();
        if histories.values().any(|ops| !conformance::linearizable(ops)) {
            return;
        }
    }
    panic!("fifty histories of a store with two winners were all explained");
}
