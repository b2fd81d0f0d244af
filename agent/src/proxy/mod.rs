//! A TCP proxy that follows the leader, and lets clients wait while there is none.
//!
//! ```text
//!            a target is known
//!  accept ───────────────────────▶ connect ──── the route is still the same ───▶ carry ──▶ closed
//!     │                            ▲     │                                         │
//!     │ nobody leads       its turn│     │ refused, timed out, route changed       │ a newer epoch
//!     └───────────▶ parked ────────┘◀────┘                                         ▼
//!                     │   └─ the client hangs up ──▶ closed                       cut
//!                     └───── hold is over, the lot is full ──▶ refused
//! ```
//!
//! A connection belongs to the epoch it was forwarded under. Once a newer epoch is known, nothing is
//! forwarded for an older one. Until the first byte is forwarded nothing has been said to any server,
//! so trying again is safe; after that this proxy never tries again.
//!
//! It never decides who leads, and it never looks into what it carries. It looks, without taking
//! anything, at the first bytes of a client it is about to refuse, to refuse it in its own language.

mod accept;
mod carry;
mod client;
mod counters;
mod course;
mod lot;
pub mod preamble;
mod reach;
pub mod tls;

pub use counters::Stats;

use accept::Acceptor;
use counters::Counters;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Connections a proxy carries at most, unless told otherwise: two descriptors and two small buffers each.
pub const CONNECTIONS_MAX: usize = 16_384;

/// Who leads, as far as this node knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Route {
    /// The number of the leadership. Routes of a smaller one than was seen before are ignored.
    pub epoch: u64,
    /// Where the leader's service listens; none while nobody leads.
    pub target: Option<SocketAddr>,
}

/// What a proxy may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a client waits for a leader before it is refused.
    pub hold: Duration,
    /// How many clients may wait at a time.
    pub max_parked: usize,
    /// How many clients there may be at a time, waiting or not. Those beyond are reset at once.
    pub max_connections: usize,
}

/// Starts a proxy on the current runtime. It runs until the [`Handle`] is shut down or dropped.
///
/// When the sender of `routes` is gone nothing is known any more: all connections are cut and new ones wait.
#[must_use = "dropping the handle stops the proxy"]
pub fn spawn(listener: TcpListener, routes: watch::Receiver<Route>, limits: Limits) -> Handle {
    let counters = Arc::new(Counters::default());
    let acceptor = Acceptor::new(routes, limits, Arc::clone(&counters));
    Handle { counters, task: tokio::spawn(acceptor.run(listener)) }
}

/// A running proxy.
#[derive(Debug)]
pub struct Handle {
    counters: Arc<Counters>,
    task: JoinHandle<()>,
}

impl Handle {
    /// What the proxy does now and has done. Starts [`Stats::waited_max`] anew.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.read()
    }

    /// Stops listening and cuts all connections; returns when that is done.
    pub async fn shutdown(mut self) {
        self.task.abort();
        // Being aborted is what it should be; there is nothing else to learn.
        let _aborted = (&mut self.task).await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}
