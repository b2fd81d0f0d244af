//! A time limit around any store: a call that does not answer in time is unknown or unavailable.
//!
//! It bounds the caller's wait, not the call: a future that is dropped may already have sent its
//! write, so a late write is always unknown, never refused.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;

use crate::{Body, Entry, Hints, Key, Store, Unavailable, Written};

/// `S` with every call bounded by `limit`.
#[derive(Clone, Debug)]
pub struct Bounded<S> {
    store: S,
    limit: Duration,
}

impl<S: Store> Bounded<S> {
    /// Wraps `store`.
    pub fn new(store: S, limit: Duration) -> Bounded<S> {
        Bounded { store, limit }
    }

    fn late(&self) -> String {
        format!("the {} store did not answer within {:?}", self.store.kind(), self.limit)
    }
}

#[async_trait]
impl<S: Store> Store for Bounded<S> {
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
        timeout(self.limit, self.store.list()).await.unwrap_or_else(|_| Err(Unavailable(self.late())))
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        timeout(self.limit, self.store.read(key)).await.unwrap_or_else(|_| Err(Unavailable(self.late())))
    }

    async fn write(&self, key: &Key, expect: Option<u64>, nonce: u128, body: Body) -> Written {
        let write = self.store.write(key, expect, nonce, body);
        timeout(self.limit, write).await.unwrap_or_else(|_| Written::Unknown(self.late()))
    }

    fn watch(&self) -> Hints {
        self.store.watch()
    }
}
