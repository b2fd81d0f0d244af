//! Writes pages into the store's books: one write at a time, whatever waits for a group in one go, again while the store
//! does not answer. It is never in anybody's way. It ends when nobody has pages any more and its last try is over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hotseat_core::GroupId;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::book::{Book, Page};
use crate::shelf::{Shelf, ShelfError};
use crate::telemetry::{Tale, Telemetry};

/// Pages that wait for one group: what is older is lost when the store does not answer for long.
const PAGES_MAX: usize = 64;

/// Between two tries; it doubles, up to the second.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Where a group's book stands.
pub(super) fn key(group: &GroupId) -> String {
    format!("story/{group}")
}

/// The newest of each book that this agent has read or written.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(Arc<Mutex<BTreeMap<GroupId, Book>>>);

impl Kept {
    pub(super) fn put(&self, group: &GroupId, book: Book) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(group.clone(), book);
    }

    pub(super) fn get(&self, group: &GroupId) -> Option<Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(group).cloned()
    }
}

/// See the module.
pub(super) struct Scribe {
    pub(super) shelf: Shelf,
    pub(super) kept: Kept,
    pub(super) pages: mpsc::Receiver<(GroupId, Page)>,
    pub(super) telemetry: Telemetry,
}

impl Scribe {
    pub(super) async fn run(mut self) {
        let mut waiting = BTreeMap::<GroupId, Vec<Page>>::new();
        let mut pause = PAUSE_MIN;
        let mut open = true;
        while open {
            match timeout(if waiting.is_empty() { Duration::MAX } else { pause }, self.pages.recv()).await {
                Ok(Some(page)) => {
                    add(&mut waiting, page);
                    while let Ok(page) = self.pages.try_recv() {
                        add(&mut waiting, page);
                    }
                }
                Ok(None) => open = false,
                Err(_time_to_try_again) => {}
            }
            pause = if self.write(&mut waiting).await { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
        }
    }

    /// Says whether all of it is written.
    async fn write(&self, waiting: &mut BTreeMap<GroupId, Vec<Page>>) -> bool {
        while let Some((group, pages)) = waiting.pop_first() {
            match self.shelf.update(&key(&group), |book: Option<Book>| book.unwrap_or_default().with(&pages)).await {
                Ok(Ok(book)) => {
                    self.trace(&group, &pages, &book);
                    self.kept.put(&group, book);
                }
                Err(ShelfError::Unavailable(why)) => {
                    tracing::debug!("the story of {group} waits for the store: {why}");
                    waiting.insert(group, pages);
                    return false;
                }
                Err(ShelfError::Damaged(why)) => tracing::warn!("the story of {group} cannot be written: {why}"),
            }
        }
        true
    }

    /// Tells collectors of what is whole now.
    fn trace(&self, group: &GroupId, pages: &[Page], book: &Book) {
        for page in pages {
            match page {
                // With what clients saw of it nothing more is to come.
                Page::Phases(epoch, _) => {
                    if let Some(it) = book.leaderships.iter().find(|it| it.epoch == *epoch) {
                        self.telemetry.tell(Tale::Rise(group.to_string(), Box::new(it.clone())));
                    }
                }
                Page::Ended(epoch, _, ended) => {
                    self.telemetry.tell(Tale::Fall(group.to_string(), *epoch, Box::new(ended.clone())));
                }
                Page::Began(_) | Page::Gap(..) | Page::Waited(..) | Page::Back(..) | Page::Spared(_) => {}
            }
        }
    }
}

fn add(waiting: &mut BTreeMap<GroupId, Vec<Page>>, (group, page): (GroupId, Page)) {
    let pages = waiting.entry(group).or_default();
    if pages.len() == PAGES_MAX {
        pages.remove(0);
    }
    pages.push(page);
}
