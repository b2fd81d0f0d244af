//! The record as this node has read it last, for pages that do not wait for the store. Cheap to clone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ledger::Ledger;
use crate::shelf::{Found, ShelfError};

/// What was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Read {
    pub(super) ledger: Arc<Ledger>,
    /// Why it was not read anew, the last time.
    pub(super) trouble: Option<String>,
    version: Option<u64>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(Arc<Mutex<Read>>);

impl Kept {
    pub(super) fn get(&self) -> Read {
        self.lock().clone()
    }

    /// Whether a record of this version need not be read.
    pub(super) fn has(&self, version: u64) -> bool {
        let read = self.lock();
        read.trouble.is_none() && read.version.is_some_and(|its| its >= version)
    }

    /// What came of reading. What was read before stays where there is nothing newer.
    pub(super) fn note(&self, found: Result<Option<Found<Ledger>>, ShelfError>) {
        let mut read = self.lock();
        match found {
            Ok(found) => {
                let version = found.as_ref().map_or(0, |found| found.version);
                let ledger = found.map(|found| found.record).unwrap_or_default();
                *read = Read { ledger: Arc::new(ledger), trouble: None, version: Some(version) };
            }
            Err(error) => read.trouble = Some(error.to_string()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Read> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
