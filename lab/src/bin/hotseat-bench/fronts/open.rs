//! An open loop: a request each millisecond whatever became of the others, over connections that are kept; none is tried
//! again. Waits count from the moment a request was due.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;

use super::kept::Kept;
use crate::probe::{epoch, observe_first};
use crate::through::{Asked, tick};

/// Between two requests: a thousand a second.
pub(crate) const PACE: Duration = Duration::from_millis(1);

/// A request that takes longer has failed: far beyond anything that is aimed at.
const LIMIT: Duration = Duration::from_secs(5);

/// An idempotent request, with nothing in it.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n";

/// See the module. Asks until it is stopped.
pub(crate) struct Open {
    over: Arc<AtomicBool>,
    newest: Arc<AtomicU64>,
    ticker: JoinHandle<()>,
    asker: JoinHandle<Vec<Asked>>,
}

impl Open {
    pub(crate) fn start(front: SocketAddr) -> Self {
        let (over, newest) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (due, dues) = mpsc::unbounded_channel();
        let ticker = std::thread::spawn({
            let over = Arc::clone(&over);
            move || tick(&due, &over, PACE)
        });
        let asker = std::thread::spawn({
            let newest = Arc::clone(&newest);
            move || {
                observe_first();
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                LocalSet::new().block_on(&runtime, ask_all(front, dues, newest))
            }
        });
        Self { over, newest, ticker, asker }
    }

    /// The newest epoch of any answer.
    pub(crate) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Relaxed)
    }

    /// Sends no more, waits for those under way, and tells of all in the order in which they were done.
    pub(crate) fn stop(self) -> Vec<Asked> {
        self.over.store(true, Ordering::Relaxed);
        self.ticker.join().unwrap();
        let mut all = self.asker.join().unwrap();
        all.sort_by_key(|asked| asked.done);
        all
    }
}

/// Connections that wait for a request. There are never more than requests have been under way at one time.
type Idle = Rc<RefCell<Vec<Kept>>>;

async fn ask_all(front: SocketAddr, mut dues: mpsc::UnboundedReceiver<Instant>, newest: Arc<AtomicU64>) -> Vec<Asked> {
    let idle = Idle::default();
    let mut tasks = JoinSet::new();
    while let Some(due) = dues.recv().await {
        let (idle, newest) = (Rc::clone(&idle), Arc::clone(&newest));
        tasks.spawn_local(async move {
            let epoch = timeout(LIMIT, ask(front, &idle)).await.ok().flatten();
            newest.fetch_max(epoch.unwrap_or(0), Ordering::Relaxed);
            Asked { due, done: Instant::now(), well: epoch.is_some() }
        });
    }
    tasks.join_all().await
}

/// The epoch of the leader that answered.
async fn ask(front: SocketAddr, idle: &Idle) -> Option<u64> {
    let mut kept = match taken(idle) {
        Some(kept) => kept,
        None => Kept::connect(front).await.ok()?,
    };
    let epoch = epoch(kept.ask(REQUEST).await.ok()?);
    idle.borrow_mut().push(kept);
    epoch
}

fn taken(idle: &Idle) -> Option<Kept> {
    let mut idle = idle.borrow_mut();
    while let Some(kept) = idle.pop() {
        if kept.is_open() {
            return Some(kept);
        }
    }
    None
}
