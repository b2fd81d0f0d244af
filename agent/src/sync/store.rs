//! What the store has of one group's files. Versions of records come with the loop's own looks; only what has changed is
//! read.

use std::collections::BTreeMap;
use std::sync::Arc;

use hotseat_core::GroupId;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::book::Book;
use super::report::Report;
use super::send::book_key;
use crate::shelf::{Shelf, ShelfError};

/// The versions of the records beside the protocol, by key.
pub type Versions = watch::Receiver<Arc<BTreeMap<String, u64>>>;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The versions of the files.
    pub(super) book: Option<Book>,
    /// What each member says, by node.
    pub(super) reports: BTreeMap<String, Report>,
    /// The versions of the records that this was read from.
    known: BTreeMap<String, u64>,
}

/// Where a member says what it has.
pub(super) fn report_key(node: &str, group: &GroupId) -> String {
    format!("files/{node}/{group}")
}

impl Seen {
    /// Reads what has changed.
    ///
    /// # Errors
    /// [`ShelfError::Unavailable`]; what cannot be read is told and left out.
    pub(super) async fn refresh(
        &mut self,
        shelf: &Shelf,
        group: &GroupId,
        versions: &Versions,
    ) -> Result<(), ShelfError> {
        let versions = Arc::clone(&versions.borrow());
        for (key, version) in versions.iter() {
            if self.known.get(key) >= Some(version) {
                continue;
            }
            let read = match about(key, group) {
                None => continue,
                Some(About::Book) => self.read_book(shelf, key).await?,
                Some(About::Report(node)) => self.read_report(shelf, key, node).await?,
            };
            self.known.insert(key.clone(), read.unwrap_or(*version));
        }
        Ok(())
    }

    async fn read_book(&mut self, shelf: &Shelf, key: &str) -> Result<Option<u64>, ShelfError> {
        let Some((version, book)) = read::<Book>(shelf, key).await? else { return Ok(None) };
        match book.check() {
            Ok(()) => self.book = Some(book),
            Err(why) => tracing::warn!("the record {key} is refused: {why}"),
        }
        Ok(Some(version))
    }

    async fn read_report(&mut self, shelf: &Shelf, key: &str, node: String) -> Result<Option<u64>, ShelfError> {
        let Some((version, report)) = read(shelf, key).await? else {
            self.reports.remove(&node);
            return Ok(None);
        };
        self.reports.insert(node, report);
        Ok(Some(version))
    }
}

/// A record and its version; none if it says nothing that we understand.
async fn read<R: DeserializeOwned>(shelf: &Shelf, key: &str) -> Result<Option<(u64, R)>, ShelfError> {
    match shelf.read::<R>(key).await {
        Ok(found) => Ok(found.map(|found| (found.version, found.record))),
        Err(ShelfError::Damaged(why)) => {
            tracing::warn!("{why}");
            Ok(None)
        }
        Err(unavailable) => Err(unavailable),
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
