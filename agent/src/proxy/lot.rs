//! The parking lot: clients that wait for a leader, bounded in number, leaving in the order they came.
//!
//! While connecting works, clients leave one right after the other. Once it has failed, the first in
//! the line tries alone, and keeps trying until it works or its time is over: a service that is
//! starting is not stormed by everybody.

use super::counters::{Counted, Counters};
use super::course::Course;
use super::route::Way;
use futures_util::future::{BoxFuture, FutureExt, poll_immediate};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// Who holds this is the first in the line.
type Turn = OwnedMutexGuard<()>;

/// The lot of one proxy.
pub(super) struct Lot {
    slots: Arc<Semaphore>,
    slots_max: usize,
    /// A tokio mutex is fair: this is the line.
    line: Arc<Mutex<()>>,
    hopeful: AtomicBool,
}

impl Lot {
    pub(super) fn new(slots_max: usize) -> Self {
        let slots_max = slots_max.min(Semaphore::MAX_PERMITS);
        Self { slots: Arc::new(Semaphore::new(slots_max)), slots_max, line: Arc::default(), hopeful: true.into() }
    }

    /// Whether a newcomer may try before those who wait: only if all of them are about to leave anyway.
    pub(super) fn may_be_passed(&self) -> bool {
        self.hopeful() || self.slots.available_permits() == self.slots_max
    }

    /// Whether the last attempt to connect worked.
    pub(super) fn hopeful(&self) -> bool {
        self.hopeful.load(Relaxed)
    }

    /// An attempt to connect worked, or did not.
    pub(super) fn tried(&self, worked: bool) {
        self.hopeful.store(worked, Relaxed);
    }

    /// Takes a place at the end of the line; none if the lot is full.
    pub(super) async fn park(&self, counters: &Counters) -> Option<Place> {
        let permit = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        Some(self.queue(Slot { _permit: permit, _counted: Counted::new(&counters.parked) }).await)
    }

    /// Takes a place at the end of the line for somebody who is in the lot already.
    pub(super) async fn queue(&self, slot: Slot) -> Place {
        let mut place = Place { slot, line: Arc::clone(&self.line), waiting: None, turn: None };
        place.queue().await;
        place
    }
}

/// That there is room in the lot for one.
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
    _counted: Counted,
}

/// A client's place in the lot.
pub(super) struct Place {
    slot: Slot,
    line: Arc<Mutex<()>>,
    waiting: Option<BoxFuture<'static, Turn>>,
    turn: Option<Turn>,
}

impl Place {
    /// Joins the line without waiting: the first poll of a fair lock takes the place.
    async fn queue(&mut self) {
        let mut waiting = Arc::clone(&self.line).lock_owned().boxed();
        self.turn = poll_immediate(&mut waiting).await;
        self.waiting = self.turn.is_none().then_some(waiting);
    }

    /// Waits to be the first in the line, and then for a leader.
    pub(super) async fn led(&mut self, course: &mut Course) -> Way {
        if self.turn.is_none() {
            let line = &self.line;
            let waiting = self.waiting.get_or_insert_with(|| Arc::clone(line).lock_owned().boxed());
            self.turn = Some(waiting.await);
            self.waiting = None;
        }
        course.led().await
    }

    /// Leaves the line, not the lot.
    pub(super) fn leave_line(self) -> Slot {
        self.slot
    }

    /// Lets the next one come.
    pub(super) fn pass_on(&mut self) {
        self.turn = None;
    }
}
