//! Bodies already read, by the token that names them: a token's body never changes.
//!
//! Holds one body per record, never a damaged one, and never decides which token is current.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::token::Token;
use crate::{Body, Key};

/// The newest good body seen of each record.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<HashMap<Key, (Token, Body)>>);

impl Cache {
    pub(super) fn get(&self, key: &Key, token: &Token) -> Option<Body> {
        self.map()
            .get(key)
            .filter(|(cached, _)| cached == token)
            .map(|(_, body)| body.clone())
    }

    /// The newest version seen of this record, or 0.
    pub(super) fn version(&self, key: &Key) -> u64 {
        self.map().get(key).map_or(0, |(token, _)| token.version)
    }

    /// Keeps what is newer; a slow reader does not put an old body back.
    pub(super) fn put(&self, key: &Key, token: &Token, body: &Body) {
        let mut map = self.map();
        if map
            .get(key)
            .is_none_or(|(cached, _)| cached.version <= token.version)
        {
            map.insert(key.clone(), (token.clone(), body.clone()));
        }
    }

    fn map(&self) -> MutexGuard<'_, HashMap<Key, (Token, Body)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
