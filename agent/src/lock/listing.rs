//! The agent's end of a lock's way to the store: what there is of locks, read once for everybody who asks at the same
//! time, and word of every change. It writes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hotseat_core::{GroupRecord, Key, NodeName, Record};
use hotseat_stores::{Body, Damage, Entry, Store};
use tokio::sync::{Mutex, watch};

use super::name::{LockName, NODE_PREFIX, is_a_locks};
use crate::codec;
use crate::records::Records;

/// Most locks, and most runners of locks, a cluster ever has names for: a record never goes away, and everybody reads
/// all of them many times a second.
const NAMES_MAX: usize = 1000;

type Listed = Result<Arc<Vec<Entry>>, String>;

/// See the module. Its watch ends when nobody listens.
pub struct Listing {
    store: Arc<dyn Store>,
    records: Records,
    pace: Duration,
    begun: AtomicU64,
    last: Mutex<(u64, Listed)>,
    changes: watch::Sender<u64>,
    watching: AtomicBool,
}

impl Listing {
    /// Of the store behind these records; looks for changes every `pace` while somebody listens.
    #[must_use]
    pub fn new(records: &Records, pace: Duration) -> Self {
        let store = Arc::clone(records.store());
        Self {
            records: Records::new(Arc::clone(&store), "locks"),
            store,
            pace,
            begun: AtomicU64::new(0),
            last: Mutex::new((0, Ok(Arc::default()))),
            changes: watch::Sender::new(0),
            watching: AtomicBool::new(false),
        }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The records, decoded.
    #[must_use]
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// All records of locks, as a listing found them that began after this call.
    ///
    /// # Errors
    /// Why the store did not answer.
    pub async fn list(&self) -> Listed {
        let asked = self.begun.load(Ordering::SeqCst);
        let mut last = self.last.lock().await;
        if last.0 > asked {
            return last.1.clone();
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let listed = self.store.list().await.map_err(|error| error.to_string());
        // Who votes is to be known wherever a lease is kept.
        let ours = |key: &Key| is_a_locks(key) || *key == Key::Voters;
        let ours = |entry: &Entry| entry.key.as_str().parse().is_ok_and(|key| ours(&key));
        let listed = listed.map(|all| Arc::new(all.into_iter().filter(ours).collect()));
        *last = (number, listed.clone());
        listed
    }

    /// Whether one more name may be made.
    ///
    /// # Errors
    /// When there are too many already; says what to do.
    pub async fn room_for(&self, key: &hotseat_stores::Key) -> Result<(), String> {
        let kind = |key: &hotseat_stores::Key| key.as_str().split('/').next().map(str::to_owned);
        let there = self.list().await?.iter().filter(|entry| kind(&entry.key) == kind(key)).count();
        if there < NAMES_MAX {
            return Ok(());
        }
        Err(format!(
            "this cluster knows {there} locks already, and a name is never forgotten: use fewer names, again and again"
        ))
    }

    /// A number that grows when a lock may have changed hands.
    #[must_use]
    pub fn changes(self: &Arc<Self>) -> watch::Receiver<u64> {
        let receiver = self.changes.subscribe();
        if !self.watching.swap(true, Ordering::SeqCst) {
            tokio::spawn(Arc::clone(self).watch());
        }
        receiver
    }

    /// Looks whenever the store hints, and now and then. Ends when nobody listens any more.
    async fn watch(self: Arc<Self>) {
        let mut hints = self.store.watch();
        let mut before = Vec::new();
        loop {
            if self.changes.receiver_count() == 0 {
                self.watching.store(false, Ordering::SeqCst);
                // Somebody may have come in between, and counted on us.
                if self.changes.receiver_count() == 0 || self.watching.swap(true, Ordering::SeqCst) {
                    return;
                }
            }
            if let Ok(entries) = self.list().await {
                let now = gist(&entries);
                if now != before {
                    before = now;
                    self.changes.send_modify(|number| *number += 1);
                }
            }
            // A hint for every renewal of every agent comes here: no more than one look for many.
            tokio::time::sleep(self.pace / 16).await;
            drop(tokio::time::timeout(self.pace, hints.next()).await);
        }
    }
}

type Gist = Vec<(hotseat_stores::Key, Result<Body, Damage>)>;

/// What matters: a renewal that says nothing new leaves the body as it was.
fn gist(entries: &[Entry]) -> Gist {
    entries.iter().map(|entry| (entry.key.clone(), entry.body.clone())).collect()
}

/// Checks that this is a record of a lock, and speaks of locks alone.
///
/// # Errors
/// What is wrong with it.
pub fn check(key: &Key, nonce: u128, body: &[u8]) -> Result<(), String> {
    let locks = |node: &NodeName| node.as_str().starts_with(NODE_PREFIX);
    let fine = match codec::decode(key, nonce, body)?.record {
        Record::Session(record) => {
            let its = matches!(key, Key::Session(node) if *node == record.node);
            its && locks(&record.node) && record.members.keys().all(|group| LockName::of_group(group).is_some())
        }
        Record::Group(GroupRecord { leader, next, avoid, .. }) => {
            leader.iter().map(|leader| &leader.node).chain(&next).chain(&avoid).all(locks)
        }
        Record::Orders(_) | Record::Voters(_) => false,
    };
    if fine { Ok(()) } else { Err(format!("the record for {key} speaks of what is no lock")) }
}
