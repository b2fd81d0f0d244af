//! The stories of the groups, as they were read last, for pages to be drawn from. A store that hangs holds up no page: it
//! shows what was read before.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::api::Api;
use crate::ledger::Book;

/// What was read so short a while ago need not be read again.
const FRESH: Duration = Duration::from_secs(1);

/// A page waits no longer for a story.
const PATIENCE: Duration = Duration::from_millis(50);

/// The books of all groups, by group.
pub(super) type Books = Arc<BTreeMap<String, Book>>;

#[derive(Default)]
struct Kept {
    books: Books,
    read: Option<Instant>,
}

/// See the module. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Stories {
    kept: Arc<Mutex<Kept>>,
}

impl Stories {
    /// As they were read last.
    pub(super) fn books(&self) -> Books {
        Arc::clone(&self.lock().books)
    }

    /// Reads them if the last time was a while ago.
    pub(super) async fn refresh(&self, api: &Api) {
        if self.lock().read.is_some_and(|read| read.elapsed() < FRESH) {
            return;
        }
        let mut books = BTreeMap::new();
        for group in &api.snapshot().view.groups {
            let (book, _stale) = api.ledger.book(&group.id).await;
            books.insert(group.id.to_string(), book);
        }
        *self.lock() = Kept { books: Arc::new(books), read: Some(Instant::now()) };
    }

    /// The same, for a page that somebody waits for.
    pub(super) async fn refresh_soon(&self, api: &Api) {
        // What is late is read next time.
        let _late = timeout(PATIENCE, self.refresh(api)).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
