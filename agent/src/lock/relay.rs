//! The store as a lock reaches it: through the agent on its machine, records of locks alone.
//!
//! It retries nothing. Every call ends within the store time-out; a write that is not answered is unknown.

use std::time::Duration;

use async_trait::async_trait;
use hotseat_client::{Client, StoreWrite, StoreWritten, StoredRecord};
use hotseat_stores::{Body, Damage, Entry, Hints, Key, Memory, Store, Unavailable, Written};

/// See the module.
pub(crate) struct Relay {
    client: Client,
    limit: Duration,
    /// Changes come another way: nothing ever changes in here.
    still: Memory,
}

impl Relay {
    /// Through this agent; no call takes longer than `limit`.
    pub(crate) fn new(client: Client, limit: Duration) -> Self {
        Self { client, limit, still: Memory::new() }
    }
}

#[async_trait]
impl Store for Relay {
    fn kind(&self) -> &str {
        "agent"
    }

    fn identity(&self) -> Option<String> {
        None
    }

    fn single_point_of_failure(&self) -> Option<String> {
        None
    }

    async fn list(&self) -> Result<Vec<Entry>, Unavailable> {
        let records = self.client.lock_records(self.limit).await;
        let records = records.map_err(|error| Unavailable(error.to_string()))?;
        records.into_iter().map(entry).collect()
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        Ok(self.list().await?.into_iter().find(|entry| entry.key == *key))
    }

    async fn write(&self, key: &Key, expect: Option<u64>, nonce: u128, body: Body) -> Written {
        let Ok(body) = String::from_utf8(body.to_vec()) else { return Written::Refused };
        let write = StoreWrite { expect, nonce: format!("{nonce:032x}"), body };
        match self.client.write_lock_record(key.as_str(), &write, self.limit).await {
            Ok(StoreWritten::Applied(version)) => Written::Applied { version },
            Ok(StoreWritten::Refused) => Written::Refused,
            Ok(StoreWritten::Unknown(why)) => Written::Unknown(why),
            Err(error) => Written::Unknown(error.to_string()),
        }
    }

    fn watch(&self) -> Hints {
        self.still.watch()
    }
}

/// What the agent lists, checked: an answer that is not well formed is none, or a record might be left out.
fn entry(record: StoredRecord) -> Result<Entry, Unavailable> {
    let wrong =
        |what: &str| Unavailable(format!("the agent lists a record with {what}: {}", record.key.escape_debug()));
    let key = Key::parse(&record.key).map_err(|_| wrong("a bad key"))?;
    let nonce = u128::from_str_radix(&record.nonce, 16).map_err(|_| wrong("a bad nonce"))?;
    let body = match (record.body, record.damage) {
        (Some(body), None) => Ok(Body::new(body).map_err(|_| Unavailable(format!("the record {key} is too big")))?),
        (None, Some(damage)) => Err(Damage(damage)),
        (Some(_), Some(_)) | (None, None) => return Err(Unavailable(format!("the record {key} has no body"))),
    };
    Ok(Entry { key, version: record.version, nonce, body })
}
