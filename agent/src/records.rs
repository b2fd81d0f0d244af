//! The store as the protocol sees it: looks and writes of records. It decides nothing and retries nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use hotseat_core::{
    Expect, GroupId, GroupRecord, Instant, Key, Look, NodeName, Outcome, Record, SessionRecord, SessionState, Version,
};
use hotseat_stores::{Body, Entry, Store, Written};
use tokio::sync::watch;

use crate::clock;
use crate::codec::{self, Decoded};
use crate::metrics::Counts;
use crate::orders::Book;
use crate::rights::{Looked, tokens};

/// One record as the last look found it, or our last write left it.
struct Found {
    version: u64,
    body: Option<Body>,
    what: Result<Decoded, String>,
}

/// What a look remembers, so that an unchanged body is not decoded again.
type Seen = BTreeMap<Key, Found>;

/// A handle on the store of this cluster. Cheap to clone.
#[derive(Clone)]
pub struct Records {
    store: Arc<dyn Store>,
    node: String,
    seen: Arc<Mutex<Seen>>,
    /// The versions of the records that are not the protocol's, as the last look found them.
    beside: watch::Sender<Arc<BTreeMap<String, u64>>>,
    counts: Counts,
    /// What the last look found at the key of the tokens.
    tokens: watch::Sender<Option<Option<Entry>>>,
}

impl Records {
    /// For the node of this name.
    pub fn new(store: Arc<dyn Store>, node: &str) -> Self {
        Self {
            store,
            node: node.to_owned(),
            seen: Arc::default(),
            beside: watch::Sender::default(),
            counts: Counts::default(),
            tokens: watch::Sender::new(None),
        }
    }

    /// The versions of what stands beside the protocol's records (see [`crate::shelf`]), by key: whoever waits for one to
    /// change need not ask the store.
    #[must_use]
    pub fn beside(&self) -> watch::Receiver<Arc<BTreeMap<String, u64>>> {
        self.beside.subscribe()
    }

    /// The store behind it.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// What this agent counts.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Lists every record. Bounded by the store's own time-out.
    ///
    /// # Errors
    /// Why the store did not answer.
    pub async fn look(&self, began: Instant) -> Result<Look, String> {
        let listed = self.store.list().await;
        let listed = listed.map_err(|error| error.to_string());
        self.counts.looked(clock::now().since(began), listed.as_ref().map(|_| ()).map_err(String::as_str));
        let entries = listed?;
        self.show_tokens(&entries);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut records, mut beside) = (BTreeMap::new(), BTreeMap::new());
        for entry in entries {
            let Ok(key) = entry.key.as_str().parse::<Key>() else {
                beside.insert(entry.key.as_str().to_owned(), entry.version);
                continue;
            };
            let last = seen.remove(&key);
            // What was written while the store was listed is newer than what the list holds.
            let (newer, last) =
                if last.as_ref().is_some_and(|it| it.version > entry.version) { (last, None) } else { (None, last) };
            let found = find(&key, last, entry);
            let record = found.what.as_ref().map(|found| found.record.clone()).map_err(Clone::clone);
            records.insert(key.clone(), (Version(found.version), record));
            seen.insert(key, newer.unwrap_or(found));
        }
        self.beside.send_if_modified(|known| {
            let news = **known != beside;
            if news {
                *known = Arc::new(beside);
            }
            news
        });
        Ok(Look { began, records })
    }

    /// What each look finds at the key of the tokens; nothing before the first look.
    #[must_use]
    pub fn tokens(&self) -> Looked {
        self.tokens.subscribe()
    }

    fn show_tokens(&self, entries: &[Entry]) {
        let found = entries.iter().find(|entry| entry.key.as_str() == tokens::KEY);
        self.tokens.send_if_modified(|known| {
            let news = known.as_ref().map(Option::as_ref) != Some(found);
            if news {
                *known = Some(found.cloned());
            }
            news
        });
    }

    /// Compares and swaps.
    pub async fn write(&self, key: &Key, expect: Expect, record: &Record) -> Outcome {
        let nonce = match record {
            Record::Session(record) => record.nonce,
            Record::Group(record) => record.nonce,
            Record::Orders(record) => record.nonce,
            Record::Voters(record) => record.nonce,
        };
        let expect = match expect {
            Expect::Absent => None,
            Expect::Version(version) => Some(version.0),
            #[allow(unreachable_patterns, reason = "a mutant's expectation exists where the simulator is built too")]
            _ => return Outcome::Refused,
        };
        let since = self.since(key, record);
        let body = codec::encode(&self.node, since.clone(), record);
        let (Ok(stored_key), Ok(body)) = (hotseat_stores::Key::parse(&key.to_string()), body) else {
            tracing::error!("the record of {key} is too big for the store");
            return Outcome::Refused;
        };
        let began = clock::now();
        let written = self.store.write(&stored_key, expect, nonce.0, body).await;
        let known = match &written {
            Written::Applied { .. } | Written::Refused => Ok(()),
            Written::Unknown(why) => Err(why.as_str()),
        };
        self.counts.wrote(clock::now().since(began), known);
        match written {
            Written::Applied { version } => {
                self.remember(key, version, Decoded { record: record.clone(), since, book: None });
                Outcome::Applied(Version(version))
            }
            Written::Refused => Outcome::Refused,
            Written::Unknown(why) => {
                tracing::debug!("write of {key} not answered: {why}");
                Outcome::Unknown
            }
        }
    }

    /// A leadership that began by our own write: until the next look people would be told of the one before.
    fn remember(&self, key: &Key, version: u64, what: Decoded) {
        if matches!(key, Key::Session(_)) {
            return;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.get(key).is_none_or(|found| found.version < version) {
            seen.insert(key.clone(), Found { version, body: None, what: Ok(what) });
        }
    }

    /// For people: since when the leader that the record names leads, or its session lasts, or is over.
    fn since(&self, key: &Key, record: &Record) -> Option<String> {
        if let Record::Session(SessionRecord { state, .. }) = record
            && *state != SessionState::Alive
        {
            return Some(clock::wall());
        }
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = seen.get(key).and_then(|found| found.what.as_ref().ok());
        let same = |before: &Decoded| match (&before.record, record) {
            (Record::Group(before), Record::Group(record)) => before.epoch == record.epoch,
            (Record::Session(before), Record::Session(record)) => before.session == record.session,
            _ => false,
        };
        match record {
            Record::Group(_) | Record::Session(_) => {
                before.filter(|it| same(it)).and_then(|it| it.since.clone()).or_else(|| Some(clock::wall()))
            }
            Record::Orders(_) | Record::Voters(_) => None,
        }
    }

    /// For people: since when the node's newest session lasts, or is over.
    #[must_use]
    pub fn here_since(&self, node: &NodeName) -> Option<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&Key::Session(node.clone()))?.what.as_ref().ok()?.since.clone()
    }

    /// For people: since when the group's leader leads.
    #[must_use]
    pub fn leads_since(&self, group: &GroupId) -> Option<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&Key::Group(group.clone()))?.what.as_ref().ok()?.since.clone()
    }

    /// What people have ordered of the group, as the last look found it, and the record's version.
    #[must_use]
    pub fn book(&self, group: &GroupId) -> Option<(u64, Arc<Book>)> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let found = seen.get(&Key::Orders(group.clone()))?;
        Some((found.version, Arc::clone(found.what.as_ref().ok()?.book.as_ref()?)))
    }

    /// The group's own record, as the last look found it or our last write left it.
    #[must_use]
    pub fn group(&self, group: &GroupId) -> Option<GroupRecord> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match &seen.get(&Key::Group(group.clone()))?.what.as_ref().ok()?.record {
            Record::Group(record) => Some(record.clone()),
            Record::Session(_) | Record::Orders(_) | Record::Voters(_) => None,
        }
    }

    /// A node's newest session, as the last look found it.
    #[must_use]
    pub fn session(&self, node: &NodeName) -> Option<SessionRecord> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match &seen.get(&Key::Session(node.clone()))?.what.as_ref().ok()?.record {
            Record::Session(record) => Some(record.clone()),
            Record::Group(_) | Record::Orders(_) | Record::Voters(_) => None,
        }
    }

    /// When a node's newest session ended, by the wall clock of whoever wrote that; `None` while it lives.
    #[must_use]
    pub fn ended(&self, node: &NodeName) -> Option<String> {
        self.session(node).filter(|record| record.state != SessionState::Alive)?;
        self.here_since(node)
    }

    /// Whether this node was removed from the group that the book is about, and has not begun anew since.
    #[must_use]
    pub fn is_removed(&self, book: &Book, node: &NodeName) -> bool {
        let last = book.removed.get(node);
        last.is_some_and(|last| self.session(node).is_none_or(|record| record.session.ordinal <= *last))
    }

    /// For people: why the newest leadership began, or ended.
    #[must_use]
    pub fn reason(&self, group: &GroupId) -> Option<hotseat_core::Reason> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(&Key::Group(group.clone()))?.what.as_ref().ok()? {
            Decoded { record: Record::Group(record), .. } => Some(record.reason.clone()),
            Decoded { record: Record::Session(_) | Record::Orders(_) | Record::Voters(_), .. } => None,
        }
    }
}

/// What an entry says, decoded anew only if its body is not the one found last.
fn find(key: &Key, last: Option<Found>, entry: Entry) -> Found {
    let (version, nonce) = (entry.version, entry.nonce);
    let body = match entry.body {
        Ok(body) => body,
        Err(damage) => return Found { version, body: None, what: Err(damage.to_string()) },
    };
    let what = match last {
        Some(Found { body: Some(same), what: Ok(what), .. }) if same == body => Ok(what.of(nonce)),
        Some(_) | None => codec::decode(key, nonce, &body),
    };
    Found { version, body: Some(body), what }
}
