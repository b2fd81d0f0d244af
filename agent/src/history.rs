//! The story this node has to tell: the newest events, and a stream of those to come. Nothing waits for a reader.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use hotseat_client::Event;
use tokio::sync::broadcast;

/// Events kept: some weeks of a quiet cluster, an hour of a broken one.
const KEPT: usize = 2000;

/// Events a slow reader may lag behind before it is told to start again.
const LAG: usize = 256;

#[derive(Debug)]
struct Shelf {
    next: u64,
    kept: VecDeque<Event>,
}

/// A handle on the story. Cheap to clone.
#[derive(Clone, Debug)]
pub struct History {
    shelf: Arc<Mutex<Shelf>>,
    news: broadcast::Sender<Event>,
}

impl Default for History {
    fn default() -> Self {
        let shelf = Shelf { next: 1, kept: VecDeque::new() };
        Self { shelf: Arc::new(Mutex::new(shelf)), news: broadcast::channel(LAG).0 }
    }
}

impl History {
    /// Adds an event and gives it its number.
    pub fn add(&self, mut event: Event) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        event.id = shelf.next;
        shelf.next += 1;
        if shelf.kept.len() == KEPT {
            shelf.kept.pop_front();
        }
        shelf.kept.push_back(event.clone());
        // Nobody listening is no fault. Sent under the lock, so that no reader sees them out of order.
        drop(self.news.send(event));
    }

    /// What is kept of the events after this number, oldest first.
    #[must_use]
    pub fn after(&self, id: u64) -> Vec<Event> {
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.kept.iter().filter(|event| event.id > id).cloned().collect()
    }

    /// The newest events, newest first, at most so many.
    #[must_use]
    pub fn latest(&self, count: usize) -> Vec<Event> {
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.kept.iter().rev().take(count).cloned().collect()
    }

    /// The events after this number that are kept, and those to come: none missed, none twice.
    #[must_use]
    pub fn subscribe(&self, id: u64) -> (Vec<Event>, broadcast::Receiver<Event>) {
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = shelf.kept.iter().filter(|event| event.id > id).cloned().collect();
        (kept, self.news.subscribe())
    }
}
