//! What one member says of its files: the record `files/NODE/GROUP`. Others read it; it may be anything.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::scan::Tree;

/// Text of one file that is shown: longer files are compared by their digests alone.
const TEXT_MAX: usize = 16 << 10;
/// All texts of one report: it is one record.
const TEXTS_MAX: usize = 96 << 10;
/// Files of one report that are not as they should be; more are counted.
const CHANGED_MAX: usize = 64;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    /// The names of what is watched.
    pub(super) watch: Vec<String>,
    /// What is there of it, by path.
    pub(super) watched: BTreeMap<String, Seen>,
    /// The version of the sent files that is in place; 0: none.
    pub(super) version: u64,
    /// Which of them are not as in that version, and how.
    pub(super) changed: BTreeMap<String, Seen>,
    /// So many more are not.
    pub(super) more: usize,
    /// Why the leader does not send what has changed.
    pub(super) held: Option<String>,
    /// What keeps it from going on.
    pub(super) trouble: Option<String>,
    /// What it cannot do on this machine.
    pub(super) note: Option<String>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// What it holds; none: it is a folder, or cannot be read, or is not there.
    pub(super) digest: Option<Digest>,
    /// What is wrong with it, or different.
    pub(super) what: Option<String>,
    /// What it holds, where that may be shown.
    pub(super) text: Option<String>,
}

/// Room for texts, as long as there is some.
#[derive(Debug)]
pub(super) struct Texts(usize);

impl Default for Texts {
    fn default() -> Self {
        Self(TEXTS_MAX)
    }
}

impl Texts {
    /// The text of a file, if it is one and there is room for it.
    pub(super) fn take(&mut self, bytes: Vec<u8>) -> Option<String> {
        let fits = bytes.len() <= TEXT_MAX.min(self.0);
        let text = String::from_utf8(bytes).ok().filter(|text| fits && !text.contains('\0'))?;
        self.0 -= text.len();
        Some(text)
    }
}

impl Report {
    /// Notes what is watched: `read` gives the bytes of those files that may be shown.
    pub(super) fn watch(&mut self, names: Vec<String>, tree: &Tree, mut text: impl FnMut(&str) -> Option<String>) {
        self.watch = names;
        let files = tree.entries.values().filter(|entry| entry.digest.is_some());
        self.watched = files
            .map(|entry| {
                let seen = Seen { digest: entry.digest, what: None, text: text(&entry.path) };
                (entry.path.clone(), seen)
            })
            .collect();
        let wrong = tree
            .wrong
            .iter()
            .map(|(path, why)| (path.clone(), Seen { digest: None, what: Some(why.clone()), text: None }));
        self.watched.extend(wrong);
    }

    /// Notes what is not as it should be.
    pub(super) fn change(&mut self, changed: impl Iterator<Item = (String, Seen)>) {
        for (path, seen) in changed {
            if self.changed.len() < CHANGED_MAX {
                self.changed.insert(path, seen);
            } else {
                self.more += 1;
            }
        }
    }
}
