//! The stories of the groups and what people were told, as they were read last, for pages to be drawn from. A store that
//! hangs holds up no page: it shows what was read before.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
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
#[derive(Clone)]
pub(super) struct Stories {
    kept: Arc<Mutex<Kept>>,
    /// Held by whoever reads: where the store hangs, one task waits for it and not many.
    reading: Arc<Semaphore>,
}

impl Default for Stories {
    fn default() -> Self {
        Self { kept: Arc::default(), reading: Arc::new(Semaphore::new(1)) }
    }
}

impl Stories {
    /// As they were read last.
    pub(super) fn books(&self) -> Books {
        Arc::clone(&self.lock().books)
    }

    /// Reads them, unless somebody else does.
    async fn refresh(self, api: Api) {
        let Ok(_reading) = self.reading.try_acquire() else { return };
        api.alerts.refresh(&api.facts.records).await;
        let mut books = BTreeMap::new();
        for group in &api.snapshot().view.groups {
            let (book, _stale) = api.ledger.book(&group.id).await;
            books.insert(group.id.to_string(), book);
        }
        *self.lock() = Kept { books: Arc::new(books), read: Some(Instant::now()) };
    }

    /// Reads them if the last time was a while ago, for a page that somebody waits for.
    pub(super) async fn refresh_soon(&self, api: &Api) {
        if self.lock().read.is_some_and(|read| read.elapsed() < FRESH) {
            return;
        }
        // What is late is there the next time.
        let _late = timeout(PATIENCE, tokio::spawn(self.clone().refresh(api.clone()))).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
