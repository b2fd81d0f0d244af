//! The store as the candidates of this very agent reach it: records of locks alone, read once for all who look at the
//! same time. It retries nothing.

use std::sync::Arc;

use async_trait::async_trait;
use hotseat_stores::{Body, Entry, Hints, Key, Store, Unavailable, Written};

use super::listing::Listing;

/// See the module.
pub(crate) struct Shared(Arc<Listing>);

impl Shared {
    pub(crate) fn new(listing: &Arc<Listing>) -> Self {
        Self(Arc::clone(listing))
    }
}

#[async_trait]
impl Store for Shared {
    fn kind(&self) -> &str {
        self.0.store().kind()
    }

    fn single_point_of_failure(&self) -> Option<String> {
        self.0.store().single_point_of_failure()
    }

    async fn list(&self) -> Result<Vec<Entry>, Unavailable> {
        self.0.list().await.map(|entries| entries.to_vec()).map_err(Unavailable)
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        self.0.store().read(key).await
    }

    async fn write(&self, key: &Key, expect: Option<u64>, nonce: u128, body: Body) -> Written {
        if expect.is_none() && self.0.room_for(key).await.is_err() {
            return Written::Refused;
        }
        self.0.store().write(key, expect, nonce, body).await
    }

    fn watch(&self) -> Hints {
        self.0.store().watch()
    }
}
