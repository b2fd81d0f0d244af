//! I/O threads of the store's own, so that a mount that hangs holds a thread and nobody else.
//!
//! ```text
//! run ──> queue ──> thread ──> answer           in time
//!           │          └─────> nobody listens   too late: the thread is stuck until the call returns
//!           └──> dropped unstarted              its caller gave up before a thread was free
//! ```
//! The number of threads is bounded; while all of them are stuck, calls fail at once. A lane never
//! kills a thread and never starts work whose caller has given up. Threads end with the lane.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;

/// Stuck threads per lane: two lanes make eight, enough to ride out a few lost calls.
pub(super) const THREADS_MAX: usize = 4;
/// Waiting calls per lane: far above what one agent has under way; past it something is wrong.
const QUEUE_MAX: usize = 256;

struct Job {
    work: Box<dyn FnOnce() + Send>,
    /// When its caller gives up.
    ends: Instant,
}

/// What a thread is at.
#[derive(Clone, Copy)]
struct Busy {
    since: Instant,
    ends: Instant,
}

/// One queue and its threads.
pub(super) struct Lane {
    shared: Arc<Shared>,
    limit: Duration,
}

/// The call did not answer; says why. It may still be under way.
#[derive(Debug)]
pub(super) struct Missed(pub(super) String);

/// Lets work ask, before a step that cannot be taken back, whether anybody still waits for it.
pub(super) struct Patience {
    ends: Instant,
    gone: Arc<AtomicBool>,
}

struct Shared {
    name: &'static str,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// One per thread; `None` while it is free.
    threads: Vec<Option<Busy>>,
    closed: bool,
}

impl Lane {
    pub(super) fn new(name: &'static str, limit: Duration) -> Lane {
        let shared = Shared { name, state: Mutex::default(), wake: Condvar::new() };
        Lane { shared: Arc::new(shared), limit }
    }

    /// Does `work` on a thread of this lane, and waits for it as long as calls may take.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Patience) -> T + Send + 'static,
    ) -> Result<T, Missed> {
        self.run_within(self.limit, work).await
    }

    /// As [`Lane::run`], with a limit of its own.
    pub(super) async fn run_within<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&Patience) -> T + Send + 'static,
    ) -> Result<T, Missed> {
        let (answer, answered) = oneshot::channel();
        let gone = Arc::new(AtomicBool::new(false));
        let patience = Patience { ends: Instant::now() + limit, gone: gone.clone() };
        let _tells = TellsOnDrop(gone);
        let ends = patience.ends;
        let work = Box::new(move || {
            if !patience.is_over() {
                let _ = answer.send(work(&patience));
            }
        });
        self.submit(Job { work, ends })?;
        match timeout(limit, answered).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(_)) | Err(_) => Err(Missed(format!("no answer within {limit:?}"))),
        }
    }

    fn submit(&self, job: Job) -> Result<(), Missed> {
        let mut state = self.shared.state();
        if let Some(since) = state.all_stuck_since() {
            let all = format!("all {THREADS_MAX} {} threads wait for it", self.shared.name);
            return Err(Missed(format!("the share has been hanging for {:.1?}: {all}", since.elapsed())));
        }
        if state.queue.len() >= QUEUE_MAX {
            return Err(Missed(format!("{QUEUE_MAX} calls are waiting already")));
        }
        state.queue.push_back(job);
        let free = state.threads.iter().filter(|busy| busy.is_none()).count();
        if free < state.queue.len() && state.threads.len() < THREADS_MAX {
            self.grow(&mut state)?;
        }
        drop(state);
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Starts one more thread; that there is no more room for one matters only if there is none.
    fn grow(&self, state: &mut State) -> Result<(), Missed> {
        let (shared, slot) = (self.shared.clone(), state.threads.len());
        match thread::Builder::new().name(self.shared.name.to_owned()).spawn(move || shared.work(slot)) {
            Ok(_) => state.threads.push(None),
            Err(error) if state.threads.is_empty() => {
                state.queue.clear();
                return Err(Missed(format!("cannot start an I/O thread: {error}")));
            }
            Err(_) => {}
        }
        Ok(())
    }
}

impl State {
    /// Since when, if every thread there may be is at a job whose caller gave up.
    fn all_stuck_since(&self) -> Option<Instant> {
        let now = Instant::now();
        let stuck = self.threads.iter().flatten().filter(|busy| now >= busy.ends);
        let since = stuck.clone().map(|busy| busy.since).min();
        since.filter(|_| stuck.count() == THREADS_MAX)
    }
}

impl Shared {
    fn work(&self, slot: usize) {
        let mut state = self.state();
        loop {
            if let Some(job) = state.queue.pop_front() {
                state.threads[slot] = Some(Busy { since: Instant::now(), ends: job.ends });
                drop(state);
                (job.work)();
                state = self.state();
                state.threads[slot] = None;
            } else if state.closed {
                return;
            } else {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Patience {
    /// Nobody waits any more: do not begin, and do not send what cannot be called back.
    pub(super) fn is_over(&self) -> bool {
        self.gone.load(Ordering::Acquire) || Instant::now() >= self.ends
    }
}

/// Set when the future that waits is finished or dropped.
struct TellsOnDrop(Arc<AtomicBool>);

impl Drop for TellsOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.closed = true;
        state.queue.clear();
        drop(state);
        self.shared.wake.notify_all();
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lane({})", self.shared.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const LIMIT: Duration = Duration::from_millis(50);

    /// Sticks every thread of the lane; the sender frees them when it is dropped.
    async fn stick(lane: &Lane) -> Vec<mpsc::Sender<()>> {
        let mut holds = Vec::new();
        for _ in 0..THREADS_MAX {
            let (hold, held) = mpsc::channel::<()>();
            holds.push(hold);
            let missed = lane.run(move |_| held.recv().is_ok()).await;
            assert!(missed.expect_err("stuck").0.contains("within"));
        }
        holds
    }

    #[tokio::test]
    async fn stuck_threads_are_bounded_fail_fast_and_come_back() {
        let lane = Lane::new("test", LIMIT);
        let holds = stick(&lane).await;
        let missed = lane.run(|_| ()).await.expect_err("all are stuck");
        assert!(missed.0.contains("hanging for"), "{}", missed.0);
        drop(holds);
        while lane.run(|_| 7).await.is_err() {
            tokio::time::sleep(LIMIT / 10).await;
        }
        assert_eq!(lane.shared.state().threads.len(), THREADS_MAX);
    }

    #[tokio::test]
    async fn work_that_did_not_begin_in_time_never_begins() {
        let lane = Arc::new(Lane::new("test", LIMIT));
        let (hold, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let patient: Vec<_> = (0..THREADS_MAX)
            .map(|_| {
                let (lane, held) = (lane.clone(), held.clone());
                tokio::spawn(async move {
                    lane.run_within(LIMIT * 200, move |_| drop(held.lock().map(|held| held.recv()))).await
                })
            })
            .collect();
        while lane.shared.state().threads.iter().flatten().count() < THREADS_MAX {
            tokio::task::yield_now().await;
        }
        let begun = Arc::new(AtomicBool::new(false));
        let mark = begun.clone();
        let late = lane.run(move |_| mark.store(true, Ordering::SeqCst)).await;
        assert!(late.is_err());
        drop(hold);
        for call in patient {
            assert!(call.await.unwrap().is_ok());
        }
        assert!(lane.run(|_| ()).await.is_ok());
        assert!(!begun.load(Ordering::SeqCst));
    }

    #[test]
    fn threads_end_with_the_lane() {
        let lane = Lane::new("test", LIMIT);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        assert_eq!(runtime.block_on(lane.run(|_| 1)).ok(), Some(1));
        let shared = Arc::downgrade(&lane.shared);
        drop(lane);
        while shared.strong_count() > 0 {
            thread::yield_now();
        }
    }
}
