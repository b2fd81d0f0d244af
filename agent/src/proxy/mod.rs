//! A proxy that follows the leader, and lets clients and their requests wait while there is none.
//!
//! ```text
//!            HTTP                                            each request by itself: see `http`
//!  accept ─────────▶ serve ──▶ closed
//!     │ anything else
//!     ▼      a target is known
//!  arrived ──────────────────────▶ connect ──── the route is still the same ───▶ carry ──▶ closed
//!     │                            ▲     │                                         │
//!     │ nobody leads       its turn│     │ refused, timed out, route changed       │ a newer epoch
//!     └───────────▶ parked ────────┘◀────┘                                         ▼
//!                     │   └─ the client hangs up ──▶ closed                       cut
//!                     └───── hold is over, the lot is full ──▶ refused
//! ```
//!
//! A connection belongs to the epoch it was forwarded under. Once a newer epoch is known, nothing is
//! forwarded for an older one. Until the first byte is forwarded nothing has been said to any server,
//! so trying again is safe; after that only HTTP tells what may be tried again.
//!
//! It never decides who leads.

mod accept;
mod carry;
mod client;
mod counters;
mod course;
mod gate;
mod http;
mod lot;
pub mod preamble;
mod reach;
mod redirect;
mod route;
mod speech;
mod stream;
mod tally;
pub mod tls;

pub use counters::Stats;
pub use gate::Gate;
pub(crate) use http::{Busy, Pulse, Watched};
pub use redirect::Redirect;
pub use route::{Route, Target};
pub(crate) use stream::Stream;
pub use tally::{Change, Tally};

use accept::{Acceptor, Shared};
use counters::Counters;
use course::Course;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Connections a proxy carries at most, unless told otherwise: two descriptors and two small buffers each.
pub const CONNECTIONS_MAX: usize = 16_384;

/// How long an HTTP client may be quiet, unless told otherwise: about as long as others let it.
pub const QUIET_MAX: Duration = Duration::from_secs(60);

/// What clients speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Protocol {
    /// HTTP if their first bytes look like it, anything else otherwise. Who waits for the service to speak first is
    /// connected a moment later than with `Tcp`.
    #[default]
    Auto,
    /// HTTP, and nothing else.
    Http,
    /// Bytes, whatever they mean.
    Tcp,
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
    /// How long an HTTP client may be without a request, or not go on with one, before its connection is closed.
    pub quiet: Duration,
    /// What clients speak.
    pub protocol: Protocol,
}

impl Limits {
    /// Usual limits, for clients that wait so long and are so many.
    #[must_use]
    pub const fn new(hold: Duration, max_parked: usize) -> Self {
        let (max_connections, quiet) = (CONNECTIONS_MAX, QUIET_MAX);
        Self { hold, max_parked, max_connections, quiet, protocol: Protocol::Auto }
    }
}

/// Starts a proxy on the current runtime. It runs until the [`Handle`] is shut down or dropped.
///
/// When the sender of `routes` is gone nothing is known any more: all connections are cut and new ones wait.
#[must_use = "dropping the handle stops the proxy"]
pub fn spawn(listener: TcpListener, routes: watch::Receiver<Route>, limits: Limits) -> Handle {
    spawn_behind(Gate::default(), None, listener, routes, limits)
}

/// As [`spawn`]; clients come through `gate`, and with a `redirect` HTTP requests that belong to another node are not
/// carried there: their clients are told where it is.
#[must_use = "dropping the handle stops the proxy"]
pub fn spawn_behind(
    gate: Gate,
    redirect: Option<Redirect>,
    listener: TcpListener,
    routes: watch::Receiver<Route>,
    limits: Limits,
) -> Handle {
    let shared = Shared::new(limits, gate, Arc::new(Counters::default()));
    let shared = Arc::new(Shared { redirect, ..shared });
    let course = Course::new(routes);
    let acceptor = Acceptor::new(Arc::clone(&shared), course.clone());
    Handle { drains: Drains { shared, course }, task: tokio::spawn(acceptor.run(listener)) }
}

/// Tells when a proxy has nothing under way to a leader whose end is planned. Cheap to clone.
#[derive(Clone)]
pub struct Drains {
    shared: Arc<Shared>,
    course: Course,
}

impl Drains {
    /// What the proxy does now and has done. Starts [`Stats::waited_max`] anew.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.counters.read()
    }

    /// Waits until the proxy knows that nothing is to be sent to the leader of `epoch` or an earlier one any more, and
    /// no HTTP request to it is under way. What is no request, such as a tunnel or a stream of events, is not waited
    /// for.
    pub async fn drained(mut self, epoch: u64) {
        self.shared.pools.drained(epoch, &mut self.course).await;
    }
}

/// A running proxy.
pub struct Handle {
    drains: Drains,
    task: JoinHandle<()>,
}

impl Handle {
    /// What the proxy does now and has done. Starts [`Stats::waited_max`] anew.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.drains.stats()
    }

    /// What clients saw of the newest change of leader.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.drains.shared.counters.tally.clone()
    }

    /// For whoever plans the end of a leader.
    #[must_use]
    pub fn drains(&self) -> Drains {
        self.drains.clone()
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
