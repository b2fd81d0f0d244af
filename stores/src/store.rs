//! The contract every store keeps, and the words it answers in.
//!
//! Nothing here reads a clock, retries, or knows what a body means.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{Body, Hints, Key};

/// Keyed records with compare-and-swap. Every call ends within the time-out the store was opened with.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The kind of store, as the configuration spells it: `dir`, `memory`, …
    fn kind(&self) -> &str;

    /// A random word that names this very store for ever, so that who used it before can tell an empty one in its place
    /// from it; `None` where a store cannot be mistaken.
    fn identity(&self) -> Option<String> {
        None
    }

    /// Why the loss of one machine would lose this store, or `None` when it would not.
    fn single_point_of_failure(&self) -> Option<String>;

    /// Every record, ordered by key. Cheap when nothing changed: agents call it many times a second.
    ///
    /// To be correct: the answer may be stale, and two records may be of different moments, but
    /// each is one that was written, whole. A record that exists is never left out, unless the whole
    /// answer is of a moment before it was created; and never, once this handle has shown it. What cannot be
    /// read is an entry whose body is [`Damage`], and hides no other. If that cannot be promised,
    /// the answer is [`Unavailable`].
    async fn list(&self) -> Result<Vec<Entry>, Unavailable>;

    /// One record, or `None` if the key was never created.
    ///
    /// To be correct: as for [`Store::list`]; "cannot tell" is never `None`.
    async fn read(&self, key: &Key) -> Result<Option<Entry>, Unavailable>;

    /// Replaces the record if its version is `expect`; `None` creates it, if it was never there.
    /// `nonce` names this attempt, and no other ever (A3, A6).
    ///
    /// To be correct: over all handles on all machines, at most one write per expected version is
    /// ever applied. The first version is 1 and each next one is one more; a version never comes
    /// back, so a writer frozen for a year is refused. [`Written::Refused`] is said only of a write
    /// that was not applied and never will be; [`Written::Applied`] only of one that survives a
    /// power cut of the store. In every doubt: [`Written::Unknown`]. A write of the body that is there already moves
    /// version and nonce on and may cost less; where the store is a disk of the one machine that everybody runs on, it
    /// may be lost in a power cut, together with everybody who relied on it.
    async fn write(&self, key: &Key, expect: Option<u64>, nonce: u128, body: Body) -> Written;

    /// Wakes when something may have changed. A hint only: it may come late, never, or for nothing.
    fn watch(&self) -> Hints;
}

/// A handle that is shared is a store too, so that wrappers wrap any.
#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    fn kind(&self) -> &str {
        (**self).kind()
    }

    fn identity(&self) -> Option<String> {
        (**self).identity()
    }

    fn single_point_of_failure(&self) -> Option<String> {
        (**self).single_point_of_failure()
    }

    async fn list(&self) -> Result<Vec<Entry>, Unavailable> {
        (**self).list().await
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        (**self).read(key).await
    }

    async fn write(&self, key: &Key, expect: Option<u64>, nonce: u128, body: Body) -> Written {
        (**self).write(key, expect, nonce, body).await
    }

    fn watch(&self) -> Hints {
        (**self).watch()
    }
}

/// One record as it was at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub key: Key,
    /// Its version, from 1. With a damaged body: the newest version known, 0 if none is.
    pub version: u64,
    /// The attempt that made this version; 0 if the body is damaged.
    pub nonce: u128,
    /// What was written; or why it cannot be read, and then the record counts as held.
    pub body: Result<Body, Damage>,
}

/// How a write ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is in the store, durably.
    Applied {
        /// The version it made.
        version: u64,
    },
    /// It is not in the store and never will be: the expected version was not there.
    Refused,
    /// It may be in the store, or get there later; says why. Settle it before building on it (A1).
    Unknown(String),
}

/// A record that is there but cannot be trusted: torn, corrupt or foreign. Says what and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage(pub String);

/// The store did not answer, or not usably; says why. Ask again later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

/// Why a store could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// It may work later without anybody's help: try again.
    Unavailable(String),
    /// It will not work until somebody changes something; says what, where, and what would be right.
    Refused(String),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Unavailable(why) | OpenError::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Damage {}
impl std::error::Error for Unavailable {}
impl std::error::Error for OpenError {}
