//! Reading: which token is there, and the body it speaks of.
//!
//! A directory is not read in one instant, so a rename under way may show no token, or two. No
//! token is looked at again, and is never "absent"; of two, the higher is the truth.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::files::{read_small, told};
use super::frame;
use super::home::Home;
use super::token::{BodyName, Token, record_key};
use crate::{Body, Damage, Entry, Key, Unavailable};

/// Looks at one record before it is given up: the first at once, for a rename that passed by, the
/// others apart, for a client that caches names.
const LOOKS_MAX: u32 = 12;
const LOOKS_AT_ONCE: u32 = 4;
const PAUSE: Duration = Duration::from_millis(3);

/// What the directory of one record shows.
pub(super) struct Sight {
    /// The current token.
    pub(super) token: Token,
    /// Every body, the current one too.
    pub(super) bodies: Vec<BodyName>,
}

/// Every record there is.
pub(super) fn list(home: &Home) -> Result<Vec<Entry>, Unavailable> {
    let gone = |error: io::Error| Unavailable(told("list", home.records(), &error));
    let mut entries = Vec::new();
    for found in fs::read_dir(home.records()).map_err(gone)? {
        let name = found.map_err(gone)?.file_name();
        if let Some(key) = name.to_str().and_then(record_key) {
            entries.push(entry(home, &key).unwrap_or_else(|| vanished(home, &key)));
        }
    }
    entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    Ok(entries)
}

/// One record, or `None` if it was never created.
pub(super) fn read(home: &Home, key: &Key) -> Result<Option<Entry>, Unavailable> {
    let entry = entry(home, key);
    if entry.is_none() {
        // Absent is only what is absent from a directory that is there.
        fs::metadata(home.records()).map_err(|error| Unavailable(told("read", home.records(), &error)))?;
    }
    Ok(entry)
}

/// The current token; `None` if the record's directory is not there; an error that names the place
/// if there is no telling.
pub(super) fn sight(dir: &Path) -> Result<Option<Sight>, String> {
    sight_within(dir, LOOKS_MAX)
}

fn sight_within(dir: &Path, looks: u32) -> Result<Option<Sight>, String> {
    let mut wrong = String::new();
    for look in 0..looks {
        pause_before(look);
        match glance(dir) {
            Ok(Glance::Clear(sight)) => return Ok(Some(sight)),
            Ok(Glance::Wrong(what)) => wrong = what,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => wrong = told("list", dir, &error),
        }
    }
    Err(wrong)
}

enum Glance {
    Clear(Sight),
    Wrong(String),
}

fn glance(dir: &Path) -> io::Result<Glance> {
    let mut newest: Option<Token> = None;
    let mut twin = false;
    let mut bodies = Vec::new();
    for found in fs::read_dir(dir)? {
        let name = found?.file_name();
        let Some(name) = name.to_str() else { continue };
        if let Some(token) = Token::parse(name) {
            let seen = newest.as_ref().map_or(0, |newest| newest.version);
            if token.version >= seen {
                twin = token.version == seen;
                newest = Some(token);
            }
        } else {
            bodies.extend(BodyName::parse(name));
        }
    }
    Ok(match newest {
        None => Glance::Wrong(format!("{} has no token: a file named VERSION.NONCE is missing", dir.display())),
        Some(token) if twin => Glance::Wrong(format!(
            "{} has two tokens of version {}: it was tampered with",
            dir.display(),
            token.version
        )),
        Some(token) => Glance::Clear(Sight { token, bodies }),
    })
}

/// What is damaged already gets no pauses: it must not use up the time of the others.
fn entry(home: &Home, key: &Key) -> Option<Entry> {
    let looks = if home.cache().was_damaged(key) { LOOKS_AT_ONCE } else { LOOKS_MAX };
    let entry = entry_within(home, key, looks)?;
    if entry.body.is_err() || looks == LOOKS_AT_ONCE {
        home.cache().note(key, entry.body.is_err());
    }
    Some(entry)
}

fn entry_within(home: &Home, key: &Key, looks: u32) -> Option<Entry> {
    let dir = home.record(key);
    let mut version = home.cache().version(key);
    let mut damage = String::new();
    for look in 0..looks {
        pause_before(look);
        let token = match sight_within(&dir, looks) {
            Ok(sight) => sight?.token,
            Err(what) => {
                damage = what;
                break;
            }
        };
        version = token.version;
        match body(home, key, &dir, &token) {
            Ok(body) => {
                return Some(Entry { key: key.clone(), version, nonce: token.nonce(), body: Ok(body) });
            }
            Err(Missing::PassedBy(what)) => damage = what,
            Err(Missing::Damaged(what)) => {
                damage = what;
                break;
            }
        }
    }
    Some(Entry { key: key.clone(), version, nonce: 0, body: Err(Damage(damage)) })
}

enum Missing {
    /// The name is gone: the token has moved on, or should have.
    PassedBy(String),
    /// It is there, and wrong.
    Damaged(String),
}

fn body(home: &Home, key: &Key, dir: &Path, token: &Token) -> Result<Body, Missing> {
    if let Some(body) = home.cache().get(key, token) {
        home.cache().put(key, token, &body);
        return Ok(body);
    }
    let path = dir.join(token.body().name());
    let file = read_small(&path, frame::LEN_MAX).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::StaleNetworkFileHandle => Missing::PassedBy(told("read", &path, &error)),
        _ => Missing::Damaged(told("read", &path, &error)),
    })?;
    let body = frame::open(key, &file).map_err(|what| Missing::Damaged(format!("{} {what}", path.display())))?;
    home.cache().put(key, token, &body);
    Ok(body)
}

fn vanished(home: &Home, key: &Key) -> Entry {
    let what = format!("{} was listed but is not there", home.record(key).display());
    Entry { key: key.clone(), version: home.cache().version(key), nonce: 0, body: Err(Damage(what)) }
}

fn pause_before(look: u32) {
    if look >= LOOKS_AT_ONCE {
        thread::sleep(PAUSE);
    }
}
