//! The story this node has to tell: the newest events, and a stream of those to come. Nothing waits for a reader, nor
//! for the disk that keeps it.

mod diary;

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use hotseat_client::Event;
use tokio::sync::broadcast;

use crate::metrics::Counts;
use diary::Diary;
pub use diary::Writing;

/// Events kept: some weeks of a quiet cluster, an hour of a broken one.
const KEPT: usize = 2000;

/// Events a slow reader may lag behind before it is told to start again.
const LAG: usize = 256;

/// Numbers left out between two runs: whoever was told what did not reach the disk must not take the next run's events
/// for those. More than a disk can owe before the agent is ended.
const RUNS_APART: u64 = 1000;

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
    counts: Counts,
}

/// A history that does not keep itself alive.
struct Faint {
    shelf: Weak<Mutex<Shelf>>,
    news: broadcast::WeakSender<Event>,
    counts: Counts,
}

impl Faint {
    fn upgrade(&self) -> Option<History> {
        Some(History { shelf: self.shelf.upgrade()?, news: self.news.upgrade()?, counts: self.counts.clone() })
    }
}

impl Default for History {
    fn default() -> Self {
        let shelf = Shelf { next: 1, kept: VecDeque::new() };
        Self { shelf: Arc::new(Mutex::new(shelf)), news: broadcast::channel(LAG).0, counts: Counts::default() }
    }
}

impl History {
    /// With what earlier runs left in this folder; what comes is kept there too, and counted.
    ///
    /// # Errors
    /// When there is no thread for that.
    pub fn open(folder: &Path, counts: &Counts) -> io::Result<(Self, Writing)> {
        let (diary, events) = Diary::open(folder);
        let newest = events.last().map_or(0, |event| event.id);
        let next = if newest == 0 { 1 } else { newest.saturating_add(RUNS_APART) };
        let kept: VecDeque<_> = events.into_iter().rev().take(KEPT).rev().collect();
        let shelf = Shelf { next, kept };
        let history =
            Self { shelf: Arc::new(Mutex::new(shelf)), news: broadcast::channel(LAG).0, counts: counts.clone() };
        let writing = diary.keep(&history, newest)?;
        Ok((history, writing))
    }

    fn downgrade(&self) -> Faint {
        Faint { shelf: Arc::downgrade(&self.shelf), news: self.news.downgrade(), counts: self.counts.clone() }
    }

    /// The number of the newest event, 0 if there is none.
    #[must_use]
    pub fn newest(&self) -> u64 {
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.kept.back().map_or(0, |event| event.id)
    }

    /// Adds an event and gives it its number.
    pub fn add(&self, mut event: Event) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        event.id = shelf.next;
        self.counts.event(&event.kind);
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
