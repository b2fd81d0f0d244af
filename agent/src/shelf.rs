//! What the agents write down for each other beside the protocol: orders, stories, tokens. One typed JSON record per key,
//! replaced by compare-and-swap.
//!
//! Nothing that safety rests on stands here, and nothing here is renewed: a record is written when something happened.
//!
//! ```json
//! {"hotseat":1,"by":"n1","at":"2026-11-20T12:00:00.123Z","record":{…}}
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hotseat_stores::{Body, Entry, Key, Store, Written};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{clock, random};

/// The form of the envelope. A later one is refused, not guessed at.
const FORM: u32 = 1;

/// Tries of one update: more than nodes of a cluster that all write at once.
const TRIES: u32 = 12;

/// Between two tries, times the number of tries: somebody else is writing, or the store is not answering.
const PAUSE: Duration = Duration::from_millis(10);

#[derive(Serialize, Deserialize)]
struct Envelope<R> {
    hotseat: u32,
    by: String,
    at: String,
    record: R,
}

/// A handle on these records. Cheap to clone.
#[derive(Clone)]
pub struct Shelf {
    store: Arc<dyn Store>,
    node: Arc<str>,
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<R> {
    /// Its version, from 1.
    pub version: u64,
    /// Who wrote it.
    pub by: String,
    /// When, RFC 3339, by the writer's wall clock. For people.
    pub at: String,
    /// What it says.
    pub record: R,
}

/// Why a record was not read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShelfError {
    /// The store does not answer, or others keep writing: try again later. An update may have been made all the same.
    Unavailable(String),
    /// What stands there cannot be read, or what should be written does not fit: somebody has to look at it.
    Damaged(String),
}

impl fmt::Display for ShelfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) | Self::Damaged(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ShelfError {}

impl Shelf {
    /// In this store, for the node of this name.
    pub fn new(store: Arc<dyn Store>, node: &str) -> Self {
        Self { store, node: node.into() }
    }

    /// The record at `key`, or `None` if there has never been one.
    ///
    /// # Errors
    /// See [`ShelfError`].
    pub async fn read<R: DeserializeOwned>(&self, key: &str) -> Result<Option<Found<R>>, ShelfError> {
        let entry = self.entry(&parse(key)?).await?;
        entry.map(|entry| decode(&entry)).transpose()
    }

    /// Replaces the record at `key` by what `change` makes of it, `None` if there has never been one; `change` is called
    /// again when somebody else was faster. When it refuses, nothing is written and its refusal is the answer.
    ///
    /// The change is made once: a write whose outcome is unknown is settled before the next try (A1). Where that cannot
    /// be done, the answer is [`ShelfError::Unavailable`] and it may have been made: whoever asks again should be able to
    /// tell by what stands there.
    ///
    /// # Errors
    /// See [`ShelfError`]; the inner error is the change's own.
    pub async fn update<R, T, E>(
        &self,
        key: &str,
        mut change: impl FnMut(Option<R>) -> Result<(R, T), E>,
    ) -> Result<Result<T, E>, ShelfError>
    where
        R: Serialize + DeserializeOwned,
    {
        let key = parse(key)?;
        let mut pending: Option<Pending<T>> = None;
        let mut last = String::from("others keep writing");
        for attempt in 0..TRIES {
            tokio::time::sleep(PAUSE * attempt).await;
            let entry = match self.entry(&key).await {
                Ok(entry) => entry,
                Err(ShelfError::Unavailable(why)) => {
                    last = why;
                    continue;
                }
                Err(damaged) => return Err(damaged),
            };
            if let Some(unsettled) = pending.take() {
                match unsettled.settle(entry.as_ref()) {
                    Settled::Stands(made) => return Ok(Ok(made)),
                    Settled::Lost => {}
                    Settled::Open(still) => pending = Some(still),
                    Settled::Unclear => return Err(ShelfError::Unavailable(format!("{key}: {last}"))),
                }
            }
            let before = entry.as_ref().map(decode::<R>).transpose()?;
            let (record, made) = match change(before.map(|found| found.record)) {
                Ok(changed) => changed,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let nonce = random::nonce().map_err(ShelfError::Unavailable)?.0;
            let expect = entry.map(|entry| entry.version);
            match self.store.write(&key, expect, nonce, self.encode(&record)?).await {
                Written::Applied { .. } => return Ok(Ok(made)),
                Written::Refused => {}
                Written::Unknown(why) => {
                    last = why;
                    let nonces = pending.take().map(|earlier| earlier.nonces).unwrap_or_default();
                    pending = Some(Pending { expect, nonces: [nonces, vec![nonce]].concat(), made });
                }
            }
        }
        Err(ShelfError::Unavailable(format!("{key}: {last}")))
    }

    async fn entry(&self, key: &Key) -> Result<Option<Entry>, ShelfError> {
        self.store.read(key).await.map_err(|error| ShelfError::Unavailable(error.to_string()))
    }

    fn encode<R: Serialize>(&self, record: &R) -> Result<Body, ShelfError> {
        let envelope = Envelope { hotseat: FORM, by: self.node.to_string(), at: clock::wall(), record };
        let text = serde_json::to_vec(&envelope).map_err(|error| ShelfError::Damaged(error.to_string()))?;
        Body::new(text).map_err(|error| ShelfError::Damaged(error.to_string()))
    }
}

/// Writes over one version of which nobody knows whether they stand; at most one of them ever will.
struct Pending<T> {
    expect: Option<u64>,
    nonces: Vec<u128>,
    made: T,
}

enum Settled<T> {
    Stands(T),
    Lost,
    Open(Pending<T>),
    /// Others have written since, and more than once.
    Unclear,
}

impl<T> Pending<T> {
    fn settle(self, found: Option<&Entry>) -> Settled<T> {
        let (version, nonce) = found.map_or((0, 0), |entry| (entry.version, entry.nonce));
        let over = self.expect.unwrap_or(0);
        if version > over && self.nonces.contains(&nonce) {
            return Settled::Stands(self.made);
        }
        match version.checked_sub(over) {
            Some(0) => Settled::Open(self),
            Some(1) => Settled::Lost,
            // A reader that lags behind, or too many writes to tell.
            Some(_) | None => Settled::Unclear,
        }
    }
}

fn parse(key: &str) -> Result<Key, ShelfError> {
    Key::parse(key).map_err(|error| ShelfError::Damaged(error.to_string()))
}

/// What an entry of the store says.
///
/// # Errors
/// [`ShelfError::Damaged`], with what is wrong and where.
pub fn decode<R: DeserializeOwned>(entry: &Entry) -> Result<Found<R>, ShelfError> {
    let damaged = |why: &dyn fmt::Display| ShelfError::Damaged(format!("the record {}: {why}", entry.key));
    let body = entry.body.as_ref().map_err(|damage| damaged(damage))?;
    let form: serde_json::Value = serde_json::from_slice(body).map_err(|error| damaged(&error))?;
    if form.get("hotseat").and_then(serde_json::Value::as_u64) != Some(u64::from(FORM)) {
        return Err(damaged(&"not of a form that this hotseat reads"));
    }
    let envelope: Envelope<R> = serde_json::from_value(form).map_err(|error| damaged(&error))?;
    Ok(Found { version: entry.version, by: envelope.by, at: envelope.at, record: envelope.record })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use hotseat_stores::Memory;

    use super::*;

    fn shelf(store: &Arc<dyn Store>) -> Shelf {
        Shelf::new(Arc::clone(store), "n1")
    }

    async fn add(shelf: &Shelf, number: u64) -> u64 {
        let added = |list: Option<Vec<u64>>| {
            let mut list = list.unwrap_or_default();
            list.push(number);
            let length = list.len() as u64;
            Ok::<_, Infallible>((list, length))
        };
        let Ok(length) = shelf.update("story/web", added).await.expect("memory answers");
        length
    }

    #[tokio::test]
    async fn updates_of_many_are_all_there_once() {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let tasks: Vec<_> = (0..6)
            .map(|number| {
                let shelf = shelf(&store);
                tokio::spawn(async move { add(&shelf, number).await })
            })
            .collect();
        for task in tasks {
            task.await.expect("it ends");
        }
        let mut found =
            shelf(&store).read::<Vec<u64>>("story/web").await.expect("it is there").expect("it was written");
        found.record.sort_unstable();
        assert_eq!(found.record, (0..6).collect::<Vec<_>>());
        assert_eq!((found.version, found.by.as_str()), (6, "n1"));
    }

    #[test]
    fn an_unknown_write_is_settled_by_what_stands_there() {
        let entry = |version, nonce| Entry {
            key: Key::parse("story/web").expect("a key"),
            version,
            nonce,
            body: Ok(Body::new(b"{}").expect("it fits")),
        };
        let settle = |found: Option<Entry>| {
            let pending = Pending { expect: Some(4), nonces: vec![7, 8], made: () };
            match pending.settle(found.as_ref()) {
                Settled::Stands(()) => "stands",
                Settled::Lost => "lost",
                Settled::Open(_) => "open",
                Settled::Unclear => "unclear",
            }
        };
        assert_eq!(settle(Some(entry(5, 7))), "stands");
        assert_eq!(settle(Some(entry(5, 9))), "lost", "somebody else's stands in its place");
        assert_eq!(settle(Some(entry(4, 1))), "open", "it may land later");
        assert_eq!(settle(Some(entry(6, 9))), "unclear", "it may have stood in between");
        assert_eq!(settle(None), "unclear", "a reader that lags");
    }

    #[tokio::test]
    async fn a_refusal_writes_nothing_and_damage_is_named() {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let shelf = shelf(&store);
        let refused = shelf.update("story/web", |_: Option<u64>| Err::<(u64, ()), _>("no")).await;
        assert_eq!(refused, Ok(Err("no")));
        assert_eq!(shelf.read::<u64>("story/web").await, Ok(None));
        let body = Body::new(br#"{"hotseat":2}"#).expect("it fits");
        store.write(&Key::parse("story/web").expect("a key"), None, 1, body).await;
        let why = shelf.read::<u64>("story/web").await.expect_err("of a later form").to_string();
        assert!(why.contains("story/web"), "{why}");
        assert!(matches!(shelf.read::<u64>("../up").await, Err(ShelfError::Damaged(_))));
    }
}
