//! Bodies already read, by the name that the token gives them: a body never changes. And which
//! records were damaged at the last look, so that those do not cost every list its patience.
//!
//! Holds one body per record, never a damaged one, and never decides which token is current.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::token::Token;
use crate::{Body, Key};

/// The newest good body seen of each record.
#[derive(Debug, Default)]
pub(super) struct Cache {
    good: Mutex<HashMap<Key, (Token, Body)>>,
    damaged: Mutex<HashSet<Key>>,
}

impl Cache {
    pub(super) fn get(&self, key: &Key, token: &Token) -> Option<Body> {
        self.map().get(key).filter(|(cached, _)| cached.body() == token.body()).map(|(_, body)| body.clone())
    }

    /// The newest version seen of this record, or 0.
    pub(super) fn version(&self, key: &Key) -> u64 {
        self.map().get(key).map_or(0, |(token, _)| token.version)
    }

    /// Keeps what is newer; a slow reader does not put an old body back.
    pub(super) fn put(&self, key: &Key, token: &Token, body: &Body) {
        let mut map = self.map();
        if map.get(key).is_none_or(|(cached, _)| cached.version <= token.version) {
            map.insert(key.clone(), (token.clone(), body.clone()));
        }
    }

    pub(super) fn was_damaged(&self, key: &Key) -> bool {
        self.damaged().contains(key)
    }

    pub(super) fn note(&self, key: &Key, damaged: bool) {
        if damaged {
            self.damaged().insert(key.clone());
        } else {
            self.damaged().remove(key);
        }
    }

    fn damaged(&self) -> MutexGuard<'_, HashSet<Key>> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn map(&self) -> MutexGuard<'_, HashMap<Key, (Token, Body)>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
