//! The tokens as this node knows them. Every look of the loop's brings the record along, so a token that was revoked
//! anywhere is worth nothing here a moment later, and no request waits for the store.
//!
//! ```text
//!   store ── the loop's looks ──▶ Newest: unread ──▶ tokens ⇄ damaged
//!   picture ── no session ──────▶ Blindness ── for BLIND_MAX ──▶ shut
//! ```
//! A node that is cut off goes on believing what it knew last, but not for ever: whoever was shut out meanwhile would
//! stay in. After [`BLIND_MAX`] only its own socket lets anybody in.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hotseat_stores::Entry;
use tokio::sync::watch;

use super::tokens::{Token, Tokens};
use crate::shelf::{self, Found};
use crate::snapshot::Snapshot;

/// For so long a node without a session believes tokens as it knew them last: time to see what is wrong with the store
/// through the dashboard, and too short for somebody who was shut out to make use of.
const BLIND_MAX: Duration = Duration::from_secs(300);

/// What a look found at the record's key, once there was one.
pub type Looked = watch::Receiver<Option<Option<Entry>>>;

/// How things stand at the door.
pub(super) enum Standing {
    /// The store has not been read yet.
    Unread,
    /// Nobody has a token.
    NoTokens,
    /// Who has one of these is let in.
    Tokens(Arc<Tokens>),
    /// Nobody can be let in; why.
    Shut(String),
}

/// See the module.
pub(super) struct Register {
    looked: Looked,
    newest: Newest,
    blind: Blindness,
}

impl Register {
    /// Of what these looks find, on a node that shows itself there.
    pub(super) fn new(looked: Looked, shown: watch::Receiver<Arc<Snapshot>>) -> Arc<Self> {
        let register = Arc::new(Self { looked, newest: Newest::default(), blind: Blindness::default() });
        tokio::spawn(Arc::clone(&register).watch(shown));
        register
    }

    /// Notes since when this node has no session. Ends with the loop.
    async fn watch(self: Arc<Self>, mut shown: watch::Receiver<Arc<Snapshot>>) {
        loop {
            let blind = shown.borrow_and_update().pulse.renewed().is_none();
            self.blind.note(blind, Instant::now());
            if shown.changed().await.is_err() {
                return;
            }
        }
    }

    pub(super) fn standing(&self) -> Standing {
        match self.known() {
            None => Standing::Unread,
            Some(Err(why)) => Standing::Shut(why),
            Some(Ok(tokens)) if tokens.is_empty() => Standing::NoTokens,
            Some(Ok(_)) if self.blind.is_long(Instant::now()) => Standing::Shut(format!(
                "this node has been cut off from its cluster for more than {}: who had a token may have lost it",
                humantime::format_duration(BLIND_MAX)
            )),
            Some(Ok(tokens)) => Standing::Tokens(tokens),
        }
    }

    /// What was written or read by this node itself is known at once.
    pub(super) fn learn(&self, found: Found<Tokens>) {
        self.newest.note(found.version, Ok(found.record));
    }

    /// All that are known, for people.
    pub(super) fn list(&self) -> Vec<Token> {
        self.known().and_then(Result::ok).map(|tokens| tokens.iter().cloned().collect()).unwrap_or_default()
    }

    fn known(&self) -> Option<Read> {
        match self.looked.borrow().as_ref() {
            None => {}
            Some(None) => self.newest.note(0, Ok(Tokens::default())),
            Some(Some(entry)) => self.newest.look(entry),
        }
        self.newest.get()
    }
}

/// Tokens, or why they cannot be read.
type Read = Result<Arc<Tokens>, String>;

/// A version of the record, and what it says.
type Version = (u64, Read);

/// The newest version that was seen.
#[derive(Default)]
struct Newest(Mutex<Option<Version>>);

impl Newest {
    fn locked(&self) -> MutexGuard<'_, Option<Version>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self) -> Option<Read> {
        self.locked().as_ref().map(|(_, tokens)| tokens.clone())
    }

    fn look(&self, entry: &Entry) {
        let known = self.locked().as_ref().map(|(version, _)| *version);
        if known != Some(entry.version) {
            let found = shelf::decode(entry).map(|found| found.record);
            self.note(entry.version, found.map_err(|error| error.to_string()));
        }
    }

    /// A look may be older than what is known.
    fn note(&self, version: u64, tokens: Result<Tokens, String>) {
        let mut newest = self.locked();
        let news = match newest.as_ref() {
            None => true,
            Some((known, was)) => *known < version || (*known == version && was.is_err() && tokens.is_ok()),
        };
        if news {
            *newest = Some((version, tokens.map(Arc::new)));
        }
    }
}

/// Since when this node has no session, and so no word of the store that counts.
#[derive(Default)]
struct Blindness(Mutex<Option<Instant>>);

impl Blindness {
    fn note(&self, blind: bool, now: Instant) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *since = if blind { since.or(Some(now)) } else { None };
    }

    fn is_long(&self, now: Instant) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| now.saturating_duration_since(since) > BLIND_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Right;
    use super::super::secret::Secret;
    use super::*;

    fn of(name: &str) -> Tokens {
        let hash = Secret::generate().expect("bits").hash();
        let mut tokens = Tokens::default();
        tokens.add(Token::new(name, Right::Viewer, hash, "", String::new()).expect("a name")).expect("room");
        tokens
    }

    #[test]
    fn an_older_look_takes_nothing_back() {
        let newest = Newest::default();
        let names = || match newest.get() {
            Some(Ok(tokens)) => tokens.iter().map(|token| token.name.clone()).collect::<Vec<_>>().join(","),
            Some(Err(why)) => why,
            None => String::from("unread"),
        };
        assert_eq!(names(), "unread");
        newest.note(0, Ok(Tokens::default()));
        newest.note(2, Ok(of("b")));
        newest.note(1, Ok(of("a")));
        newest.note(0, Ok(Tokens::default()));
        assert_eq!(names(), "b", "a revoked token does not come back");
        newest.note(3, Err(String::from("torn")));
        assert_eq!(names(), "torn", "what cannot be read lets nobody in");
        newest.note(4, Ok(of("c")));
        assert_eq!(names(), "c");
    }

    #[test]
    fn who_is_blind_for_long_believes_nobody_until_it_sees() {
        let (blind, start) = (Blindness::default(), Instant::now());
        assert!(!blind.is_long(start + BLIND_MAX * 2));
        blind.note(true, start);
        blind.note(true, start + BLIND_MAX);
        assert!(!blind.is_long(start + BLIND_MAX));
        assert!(blind.is_long(start + BLIND_MAX + Duration::from_secs(1)), "counted from the beginning");
        blind.note(false, start + BLIND_MAX * 2);
        assert!(!blind.is_long(start + BLIND_MAX * 3));
    }
}
