//! HTTP between clients and services: the proxy sees where a request begins and where its answer ends.
//!
//! ```text
//!  client ──▶ request ──▶ a way? ──▶ a connection of that way ──▶ sent ──▶ answer ──▶ client
//!                 ▲         │ nobody leads: parked   (pooled or new)   │       │
//!                 │         └─ hold is over: 503                      │       │ half way: reset
//!                 └──────────── nothing was sent, or idempotent ◀─────┘ lost, or its epoch is over
//!                                                    otherwise: 502
//! ```
//!
//! `hyper` speaks HTTP/1 and HTTP/2; here is what it does not do: following the leader, letting requests wait,
//! counting those under way so that a planned end can wait for them, and delivering nothing of an old epoch.
//! A request that a service may have acted upon is never sent again, unless its method says that this is harmless.

mod answer;
mod exchange;
mod head;
mod link;
mod offer;
mod pools;
mod pulse;
mod repeat;
mod tunnel;

pub(super) use pools::{IDLE_MAX, Pools};
pub(crate) use pulse::{Busy, Pulse, Watched};

use super::accept::{Origin, Shared};
use super::course::Course;
use super::lot::Slot;
use super::stream::{Heard, Stream};
use exchange::exchange;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;
use tunnel::Tunnel;

/// A head that is larger is refused with 431: far more than browsers and gateways send.
const HEAD_MAX: usize = 64 * 1024;
/// Requests that one HTTP/2 connection may have under way: what browsers and gRPC expect.
const STREAMS_MAX: u32 = 128;
/// An HTTP/2 client that is gone without a word is noticed after this and once more.
const PING_EVERY: Duration = Duration::from_secs(30);
/// A client that was quiet for too long has so much time to take the farewell.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// One HTTP client's connection.
struct Visit {
    shared: Arc<Shared>,
    course: Course,
    pulse: Arc<Pulse>,
    from: Origin,
    /// What is said of the client to the service.
    forwarded: HeaderValue,
    /// Room in the lot for its first request, had before that was read.
    slot: Mutex<Option<Slot>>,
    /// What goes on when HTTP is over.
    tunnel: Mutex<Option<Tunnel>>,
}

/// Sees an HTTP/1 client through to its end. Its first request has the slot, if there is one.
pub(super) async fn serve_1<S: Stream>(
    client: Heard<S>,
    from: Origin,
    slot: Option<Slot>,
    shared: &Arc<Shared>,
    course: &Course,
) {
    let (visit, io) = arrive(client, from, slot, shared, course, true);
    let service = service_fn({
        let visit = Arc::clone(&visit);
        move |request: Request<Incoming>| {
            let visit = Arc::clone(&visit);
            async move { Ok::<_, Infallible>(exchange(visit, request).await) }
        }
    });
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_MAX).auto_date_header(false);
    let mut serving = pin!(builder.serve_connection(io, service).with_upgrades());
    tokio::select! {
        // What failed was said to the client, if it could be.
        _ended = serving.as_mut() => {}
        () = visit.pulse.stalls(shared.limits.quiet) => {
            serving.as_mut().graceful_shutdown();
            let _taken = timeout(FAREWELL_MAX, serving).await;
            return;
        }
    }
    let tunnel = visit.tunnel.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(tunnel) = tunnel {
        tunnel.run(&visit).await;
    }
}

/// Sees an HTTP/2 client through to its end.
pub(super) async fn serve_2<S: Stream>(client: Heard<S>, from: Origin, shared: &Arc<Shared>, course: &Course) {
    let (visit, io) = arrive(client, from, None, shared, course, false);
    let service = service_fn({
        let visit = Arc::clone(&visit);
        move |request: Request<Incoming>| {
            let visit = Arc::clone(&visit);
            async move { Ok::<_, Infallible>(exchange(visit, request).await) }
        }
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_MAX as u32)
        .auto_date_header(false);
    let mut serving = pin!(builder.serve_connection(io, service));
    tokio::select! {
        _ended = serving.as_mut() => {}
        () = visit.pulse.stalls(shared.limits.quiet) => {
            serving.as_mut().graceful_shutdown();
            let _taken = timeout(FAREWELL_MAX, serving).await;
        }
    }
}

fn arrive<S: Stream>(
    client: Heard<S>,
    from: Origin,
    slot: Option<Slot>,
    shared: &Arc<Shared>,
    course: &Course,
    lone: bool,
) -> (Arc<Visit>, TokioIo<Watched<Heard<S>>>) {
    super::carry::tune(client.socket());
    let pulse = Arc::new(Pulse::new(lone));
    let visit = Visit {
        shared: Arc::clone(shared),
        course: course.clone(),
        pulse: Arc::clone(&pulse),
        from,
        forwarded: head::forwarded(from),
        slot: Mutex::new(slot),
        tunnel: Mutex::default(),
    };
    (Arc::new(visit), TokioIo::new(Watched::new(client, pulse)))
}
