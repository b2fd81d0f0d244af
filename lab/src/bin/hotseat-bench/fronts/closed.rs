//! A closed loop: so many connections, each asks again as soon as it is answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::kept::Kept;
use crate::stats::Series;

/// Not counted: caches fill, connections are made.
const WARM: Duration = Duration::from_millis(500);

/// Connections that are made at a time: more than a listener's queue holds would wait for the kernel's next word.
const STEP: usize = 64;

/// What was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Closed {
    /// Answers a second.
    pub(crate) rate: f64,
    pub(crate) waits: Series,
    /// Connections that ended before they should have.
    pub(crate) broken: usize,
}

/// Asks over `connections` for so long; `during` is called in the middle of it.
pub(crate) fn run(
    to: SocketAddr,
    request: &str,
    connections: usize,
    length: Duration,
    during: impl FnOnce(),
) -> Closed {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let request: Arc<[u8]> = request.as_bytes().into();
    runtime.block_on(async {
        let ready = Arc::new(Barrier::new(connections + 1));
        let mut tasks = JoinSet::new();
        for step in connect(to, connections).await {
            tasks.spawn(ask_on(step, Arc::clone(&request), Arc::clone(&ready), length));
        }
        ready.wait().await;
        tokio::time::sleep(WARM + length / 2).await;
        tokio::task::block_in_place(during);
        summed(tasks.join_all().await, length)
    })
}

async fn connect(to: SocketAddr, connections: usize) -> Vec<Kept> {
    let mut all = Vec::with_capacity(connections);
    while all.len() < connections {
        let step: JoinSet<_> = (0..STEP.min(connections - all.len())).map(|_| Kept::connect(to)).collect();
        all.extend(step.join_all().await.into_iter().map(|kept| kept.expect("a connection")));
    }
    all
}

async fn ask_on(mut kept: Kept, request: Arc<[u8]>, ready: Arc<Barrier>, length: Duration) -> (Vec<Duration>, bool) {
    ready.wait().await;
    let begin = Instant::now() + WARM;
    let end = begin + length;
    let mut waits = Vec::new();
    loop {
        let sent = Instant::now();
        if sent >= end {
            return (waits, false);
        }
        if kept.ask(&request).await.is_err() {
            return (waits, true);
        }
        if sent >= begin {
            waits.push(sent.elapsed());
        }
    }
}

fn summed(all: Vec<(Vec<Duration>, bool)>, length: Duration) -> Closed {
    let broken = all.iter().filter(|(_, broken)| *broken).count();
    let answers: usize = all.iter().map(|(waits, _)| waits.len()).sum();
    let waits = all.into_iter().flat_map(|(waits, _)| waits).collect();
    Closed { rate: answers as f64 / length.as_secs_f64(), waits, broken }
}
