//! Records as they stand in a store: JSON that a person can read. It checks form, never meaning.
//!
//! ```json
//! {"hotseat":1,"by":"n1","since":"2026-11-20T12:00:00.123Z","record":{…}}
//! ```
//! The nonce of a write stands beside the body, in the store's own keeping: a renewal that has nothing new to say
//! is the same body again, and costs the store no more than a new version.

use std::sync::Arc;

use hotseat_core::{GroupRecord, Key, Nonce, Record, SessionRecord, VotersRecord};
use hotseat_stores::{Body, Entry};
use serde::{Deserialize, Serialize};

use crate::orders::Book;

/// The form of the envelope. A later one is refused, not guessed at.
const FORM: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Envelope<R> {
    hotseat: u32,
    by: String,
    /// When the leadership that a group's record names, or a session, began, or the session ended: by the writer's wall
    /// clock. For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    record: R,
}

/// A record and what people may know of it.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// What the protocol goes by.
    pub record: Record,
    /// For people: since when the group's leader leads, or the session lasts, or is over.
    pub since: Option<String>,
    /// For people: who ordered what, where the record is a group's orders.
    pub book: Option<Arc<Book>>,
}

impl Decoded {
    /// The same, as written by another attempt.
    #[must_use]
    pub fn of(mut self, nonce: u128) -> Self {
        match &mut self.record {
            Record::Session(record) => record.nonce = Nonce(nonce),
            Record::Group(record) => record.nonce = Nonce(nonce),
            Record::Orders(record) => record.nonce = Nonce(nonce),
            Record::Voters(record) => record.nonce = Nonce(nonce),
        }
        self
    }
}

/// Reads a body found at `key`, written by the attempt `nonce`.
///
/// # Errors
/// What is wrong with it, in words.
pub fn decode(key: &Key, nonce: u128, body: &[u8]) -> Result<Decoded, String> {
    let form: serde_json::Value = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
    match form.get("hotseat").and_then(serde_json::Value::as_u64) {
        Some(form) if form == u64::from(FORM) => {}
        Some(form) => return Err(format!("form {form} of a later hotseat; this one reads form {FORM}")),
        None => return Err(String::from("not a hotseat record")),
    }
    let wrong = |error: serde_json::Error| format!("not a record of its kind: {error}");
    Ok(match key {
        Key::Session(_) => {
            let envelope: Envelope<SessionRecord> = serde_json::from_value(form).map_err(wrong)?;
            Decoded { record: Record::Session(envelope.record), since: envelope.since, book: None }
        }
        Key::Group(_) => {
            let envelope: Envelope<GroupRecord> = serde_json::from_value(form).map_err(wrong)?;
            Decoded { record: Record::Group(envelope.record), since: envelope.since, book: None }
        }
        // Written by `shelf`, with what people want to know of it beside what the protocol heeds.
        Key::Orders(_) => {
            let Envelope { record: book, .. } = serde_json::from_value::<Envelope<Book>>(form).map_err(wrong)?;
            Decoded { record: Record::Orders(book.order.clone()), since: None, book: Some(Arc::new(book)) }
        }
        Key::Voters => {
            let envelope: Envelope<VotersRecord> = serde_json::from_value(form).map_err(wrong)?;
            Decoded { record: Record::Voters(envelope.record), since: None, book: None }
        }
    }
    .of(nonce))
}

/// What an entry of the store says, if it can be read as one of the protocol's records.
#[must_use]
pub fn record(entry: &Entry) -> Option<Record> {
    let key = entry.key.as_str().parse().ok()?;
    Some(decode(&key, entry.nonce, entry.body.as_ref().ok()?).ok()?.record)
}

/// The same, if it is a session's.
#[must_use]
pub fn session(entry: &Entry) -> Option<SessionRecord> {
    match record(entry)? {
        Record::Session(record) => Some(record),
        Record::Group(_) | Record::Orders(_) | Record::Voters(_) => None,
    }
}

/// The same, if it is the voters'.
#[must_use]
pub fn voters(entry: &Entry) -> Option<VotersRecord> {
    match record(entry)? {
        Record::Voters(record) => Some(record),
        Record::Session(_) | Record::Group(_) | Record::Orders(_) => None,
    }
}

/// Writes a body.
///
/// # Errors
/// When the record is too big for a store.
pub fn encode(by: &str, since: Option<String>, record: &Record) -> Result<Body, String> {
    let by = by.to_owned();
    let text = match record {
        Record::Session(record) => serde_json::to_vec(&Envelope { hotseat: FORM, by, since, record }),
        Record::Group(record) => serde_json::to_vec(&Envelope { hotseat: FORM, by, since, record }),
        Record::Orders(record) => serde_json::to_vec(&Envelope { hotseat: FORM, by, since, record }),
        Record::Voters(record) => serde_json::to_vec(&Envelope { hotseat: FORM, by, since, record }),
    };
    let text = text.map_err(|error| error.to_string())?;
    Body::new(text).map_err(|error| error.to_string())
}
