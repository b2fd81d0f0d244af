//! Records as they stand in a store: JSON that a person can read. It checks form, never meaning.
//!
//! ```json
//! {"hotseat":1,"by":"n1","at":"2026-11-20T12:00:00.123Z","since":"2026-11-20T12:00:00.123Z","record":{…}}
//! ```

use hotseat_core::{Key, Record};
use hotseat_stores::Body;
use serde::{Deserialize, Serialize};

/// The form of the envelope. A later one is refused, not guessed at.
const FORM: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Envelope<R> {
    hotseat: u32,
    by: String,
    at: String,
    /// When the leadership that a group's record names began, by its leader's wall clock. For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    record: R,
}

/// A record and what people may know of it.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// What the protocol goes by.
    pub record: Record,
    /// For people: since when the group's leader leads.
    pub since: Option<String>,
}

/// Reads a body found at `key`.
///
/// # Errors
/// What is wrong with it, in words.
pub fn decode(key: &Key, body: &[u8]) -> Result<Decoded, String> {
    let form: serde_json::Value = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
    match form.get("hotseat").and_then(serde_json::Value::as_u64) {
        Some(form) if form == u64::from(FORM) => {}
        Some(form) => return Err(format!("form {form} of a later hotseat; this one reads form {FORM}")),
        None => return Err(String::from("not a hotseat record")),
    }
    let wrong = |error: serde_json::Error| format!("not a record of its kind: {error}");
    Ok(match key {
        Key::Session(_) => {
            let envelope: Envelope<_> = serde_json::from_value(form).map_err(wrong)?;
            Decoded { record: Record::Session(envelope.record), since: None }
        }
        Key::Group(_) => {
            let envelope: Envelope<_> = serde_json::from_value(form).map_err(wrong)?;
            Decoded { record: Record::Group(envelope.record), since: envelope.since }
        }
    })
}

/// Writes a body.
///
/// # Errors
/// When the record is too big for a store.
pub fn encode(by: &str, at: String, since: Option<String>, record: &Record) -> Result<Body, String> {
    let by = by.to_owned();
    let text = match record {
        Record::Session(record) => serde_json::to_vec(&Envelope { hotseat: FORM, by, at, since, record }),
        Record::Group(record) => serde_json::to_vec(&Envelope { hotseat: FORM, by, at, since, record }),
    };
    let text = text.map_err(|error| error.to_string())?;
    Body::new(text).map_err(|error| error.to_string())
}
