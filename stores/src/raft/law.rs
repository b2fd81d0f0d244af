//! What may be written, beyond the compare-and-swap: asked where a write is *applied*, on every member alike (B4, B6).

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::{Entry, Key};

/// Says yes or no to a write.
///
/// To be correct: the answer depends on its arguments alone: no clock, no randomness, no state of its own, no version
/// of the program that only some members run. Members that answer differently hold different records from then on.
pub trait Law: Send + Sync + 'static {
    /// Whether `body` may become the record `key`, over the records that stand at this position of the log. The
    /// version that is expected has been found right already.
    fn allows(&self, standing: &Standing<'_>, key: &Key, body: &[u8]) -> bool;
}

/// The records at one position of the log.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a>(&'a BTreeMap<Key, Entry>);

/// Allows everything: for tests.
#[derive(Clone, Copy, Debug)]
pub struct Lawless;

impl<'a> Standing<'a> {
    /// Looks at `records`.
    pub fn new(records: &'a BTreeMap<Key, Entry>) -> Standing<'a> {
        Standing(records)
    }

    /// The record `key`, if there is one.
    pub fn get(&self, key: &Key) -> Option<&'a Entry> {
        self.0.get(key)
    }

    /// The records whose keys start with `folder` and a slash, ordered by key.
    pub fn under(&self, folder: &str) -> impl Iterator<Item = &'a Entry> {
        let start = format!("{folder}/");
        let from = (Bound::Included(start.as_str()), Bound::Unbounded);
        let range = self.0.range::<str, _>(from).map(|(_, entry)| entry);
        range.take_while(move |entry| entry.key.as_str().starts_with(&start))
    }
}

impl Law for Lawless {
    fn allows(&self, _: &Standing<'_>, _: &Key, _: &[u8]) -> bool {
        true
    }
}
