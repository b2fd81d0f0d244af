//! A map in this process, for tests and demonstrations. It never fails; wrap it in
//! [`Faulty`](crate::Faulty) for that.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::hints::Changes;
use crate::{Body, Entry, Hints, Key, Store, Unavailable, Written};

/// A store in memory; clones are further handles to the same records.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    records: Mutex<BTreeMap<Key, Record>>,
    changes: Changes,
}

#[derive(Clone, Debug)]
struct Record {
    version: u64,
    nonce: u128,
    body: Body,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Memory {
        Memory(Arc::new(Shared { records: Mutex::default(), changes: Changes::new() }))
    }

    fn swap(&self, key: &Key, expect: Option<u64>, nonce: u128, body: Body) -> Written {
        let mut records = self.0.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.get(key).map(|record| record.version) != expect {
            return Written::Refused;
        }
        let version = expect.unwrap_or(0) + 1;
        records.insert(key.clone(), Record { version, nonce, body });
        Written::Applied { version }
    }
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::new()
    }
}

#[async_trait]
impl Store for Memory {
    fn kind(&self) -> &str {
        "memory"
    }

    fn single_point_of_failure(&self) -> Option<String> {
        Some("the store is the memory of one process".to_owned())
    }

    async fn list(&self) -> Result<Vec<Entry>, Unavailable> {
        let records = self.0.records.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(records.iter().map(|(key, record)| entry(key, record)).collect())
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        let records = self.0.records.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(records.get(key).map(|record| entry(key, record)))
    }

    async fn write(&self, key: &Key, expect: Option<u64>, nonce: u128, body: Body) -> Written {
        let written = self.swap(key, expect, nonce, body);
        if matches!(written, Written::Applied { .. }) {
            self.0.changes.ring();
        }
        written
    }

    fn watch(&self) -> Hints {
        self.0.changes.hints()
    }
}

fn entry(key: &Key, record: &Record) -> Entry {
    Entry { key: key.clone(), version: record.version, nonce: record.nonce, body: Ok(record.body.clone()) }
}
