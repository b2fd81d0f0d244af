//! What the store has of one group's files, from one cheap listing. It may be a moment old.

use std::collections::BTreeMap;

use hotseat_core::GroupId;
use hotseat_stores::Entry;

use super::book::Book;
use super::report::Report;
use super::send::book_key;
use crate::shelf::{self, Shelf, ShelfError};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The versions.
    pub(super) book: Option<Book>,
    /// What each member says, by node.
    pub(super) reports: BTreeMap<String, Report>,
    /// The versions of the records that this was read from.
    versions: BTreeMap<String, u64>,
}

/// Where a member says what it has.
pub(super) fn report_key(node: &str, group: &GroupId) -> String {
    format!("files/{node}/{group}")
}

impl Seen {
    /// Lists anew; records that have not changed are not decoded again.
    ///
    /// # Errors
    /// See [`ShelfError`].
    pub(super) async fn refresh(&mut self, shelf: &Shelf, group: &GroupId) -> Result<(), ShelfError> {
        for entry in shelf.list().await? {
            let Some(what) = about(entry.key.as_str(), group) else { continue };
            if self.versions.insert(entry.key.to_string(), entry.version) != Some(entry.version) {
                self.take(what, &entry);
            }
        }
        Ok(())
    }

    fn take(&mut self, what: About, entry: &Entry) {
        match what {
            About::Book => match shelf::decode::<Book>(entry).map(|found| found.record) {
                Ok(book) => match book.check() {
                    Ok(()) => self.book = Some(book),
                    Err(why) => tracing::warn!("the record {} is refused: {why}", entry.key),
                },
                Err(why) => tracing::warn!("the versions of the files cannot be read: {why}"),
            },
            About::Report(node) => match shelf::decode::<Report>(entry) {
                Ok(found) => drop(self.reports.insert(node, found.record)),
                Err(why) => {
                    tracing::warn!("what {node} says of its files cannot be read: {why}");
                    self.reports.remove(&node);
                }
            },
        }
    }
}

/// What a record of this group is about.
enum About {
    Book,
    Report(String),
}

fn about(key: &str, group: &GroupId) -> Option<About> {
    if key == book_key(group) {
        return Some(About::Book);
    }
    let mut parts = key.split('/');
    match (parts.next()?, parts.next()?, parts.next()) {
        ("files", node, Some(its)) if its == group.as_str() => Some(About::Report(node.to_owned())),
        _ => None,
    }
}
