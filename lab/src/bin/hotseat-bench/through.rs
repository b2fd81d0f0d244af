//! A client of the proxy: a request every two milliseconds whatever became of the others, each over a connection
//! of its own, none tried again. Waits count from the moment a request was due.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::probe::{epoch, observe_first};

/// Between two requests.
pub(crate) const PACE: Duration = Duration::from_millis(2);

/// A request that takes longer has failed: far beyond anything that is aimed at.
const LIMIT: Duration = Duration::from_secs(5);

/// What became of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) due: Instant,
    pub(crate) done: Instant,
    /// Answered by a leader.
    pub(crate) well: bool,
}

/// See the module. Asks until it is stopped.
pub(crate) struct Client {
    over: Arc<AtomicBool>,
    ticker: JoinHandle<()>,
    asker: JoinHandle<Vec<Asked>>,
}

impl Client {
    pub(crate) fn start(proxy: SocketAddr) -> Self {
        let over = Arc::<AtomicBool>::default();
        let (due, dues) = mpsc::unbounded_channel();
        let ticker = std::thread::spawn({
            let over = Arc::clone(&over);
            move || tick(&due, &over, PACE)
        });
        let asker = std::thread::spawn(move || {
            observe_first();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(ask_all(proxy, dues))
        });
        Self { over, ticker, asker }
    }

    /// Sends no more, waits for those under way, and tells of all.
    pub(crate) fn stop(self) -> Vec<Asked> {
        self.over.store(true, Ordering::Relaxed);
        self.ticker.join().unwrap();
        let mut all = self.asker.join().unwrap();
        all.sort_by_key(|asked| asked.done);
        all
    }
}

/// A thread, because a runtime's timer is too coarse for this.
pub(crate) fn tick(due: &mpsc::UnboundedSender<Instant>, over: &AtomicBool, pace: Duration) {
    observe_first();
    let mut next = Instant::now();
    while !over.load(Ordering::Relaxed) {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        if due.send(next).is_err() {
            return;
        }
        next += pace;
    }
}

async fn ask_all(proxy: SocketAddr, mut dues: mpsc::UnboundedReceiver<Instant>) -> Vec<Asked> {
    let mut tasks = JoinSet::new();
    while let Some(due) = dues.recv().await {
        tasks.spawn(async move {
            let answer = tokio::time::timeout(LIMIT, ask(proxy)).await;
            Asked { due, done: Instant::now(), well: matches!(answer, Ok(Some(_))) }
        });
    }
    tasks.join_all().await
}

async fn ask(proxy: SocketAddr) -> Option<u64> {
    let mut stream = TcpStream::connect(proxy).await.ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n").await.ok()?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.ok()?;
    epoch(std::str::from_utf8(&text).ok()?)
}
