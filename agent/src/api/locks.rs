//! `GET /api/locks`, and the way of a lock on this machine to the store: its own records and no others.
//!
//! A lock is an agent of its own, with a session and a guard; what it needs of this one is its store. So this only
//! carries: whether a write stands is for the store to say, what it means for the lock.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::response::sse::{Event as Sse, KeepAlive};
use axum::routing::get;
use axum::{Extension, Json, Router};
use futures_util::StreamExt;
use hotseat_client::{Lock, LockTerms, LockTiming, StoreWrite, StoreWritten, StoredRecord};
use hotseat_core::Key;
use hotseat_stores::{Body, Entry, Store, Written};
use tokio::sync::Semaphore;
use tokio_stream::wrappers::WatchStream;

use super::{Api, Refused, Remote, refuse};
use crate::clock;
use crate::config::{Containment, StoreUrl};
use crate::lock::{self, Listing};

/// Longest record of a lock, in bytes: it names one node and a few seats.
const RECORD_MAX: usize = 32 * 1024;

/// Locks that may hang on for news at once; more have to look for themselves, a little later.
const LISTENERS_MAX: usize = 256;

/// Writes under way at once: each is a moment's work, and agents' own renewals share the store.
const WRITES_MAX: usize = 64;

static LISTENERS: Semaphore = Semaphore::const_new(LISTENERS_MAX);
static WRITES: Semaphore = Semaphore::const_new(WRITES_MAX);

#[derive(Clone)]
struct Relay {
    api: Api,
    listing: Arc<Listing>,
}

/// The paths of this file.
pub(super) fn routes(api: &Api) -> Router<Api> {
    let listing = Arc::clone(&api.locks);
    Router::new()
        .route("/api/locks", get(locks))
        .route("/api/lock/terms", get(terms))
        .route("/api/lock/records", get(records))
        .route("/api/lock/records/{kind}/{name}", axum::routing::put(write))
        .route("/api/lock/changes", get(changes))
        .with_state(Relay { api: api.clone(), listing })
}

/// Who may use the store through this agent: programs on this machine, and no web page that one of them shows.
pub(super) fn admit(remote: Remote, headers: &HeaderMap) -> Result<(), Refused> {
    if headers.contains_key(header::ORIGIN) {
        return Err(refuse(StatusCode::FORBIDDEN, "this is for programs, not for web pages"));
    }
    if remote.is_here() {
        return Ok(());
    }
    let why = "this is for the machine itself: run the command there";
    Err(refuse(StatusCode::FORBIDDEN, why))
}

async fn locks(State(relay): State<Relay>) -> Result<Json<Vec<Lock>>, Refused> {
    let look = relay.listing.records().look(clock::now()).await;
    let look =
        look.map_err(|why| refuse(StatusCode::SERVICE_UNAVAILABLE, format!("the store does not answer: {why}")))?;
    Ok(Json(lock::locks(&look, |group| relay.listing.records().leads_since(group))))
}

async fn terms(
    State(Relay { api, .. }): State<Relay>,
    Extension(remote): Extension<Remote>,
    headers: HeaderMap,
) -> Result<Json<LockTerms>, Refused> {
    admit(remote, &headers)?;
    let config = &api.facts.config;
    let timing = &config.cluster.timing;
    let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let view = &api.snapshot().view;
    let members = view.groups.iter().flat_map(|group| &group.members);
    let own = config.node.advertise.unwrap_or(config.node.listen).to_string();
    let mut peers: Vec<_> = members.map(|member| member.address.clone()).chain([own.clone()]).collect();
    peers.sort_unstable();
    peers.dedup();
    Ok(Json(LockTerms {
        cluster: config.cluster.name.clone(),
        node: config.node.name.to_string(),
        address: own,
        region: config.node.region.clone(),
        timing: LockTiming {
            ttl_ns: nanos(timing.ttl()),
            renewal_ns: nanos(timing.renewal()),
            store_timeout_ns: nanos(timing.store_timeout()),
            stop_budget_ns: nanos(timing.stop_budget()),
            epsilon_percent: timing.promise().epsilon_percent,
        },
        voters: config.cluster.store == StoreUrl::Raft,
        tree_only: config.node.containment == Containment::Tree,
        peers,
    }))
}

async fn records(
    State(relay): State<Relay>,
    Extension(remote): Extension<Remote>,
    headers: HeaderMap,
) -> Result<Json<Vec<StoredRecord>>, Refused> {
    admit(remote, &headers)?;
    let entries = relay.listing.list().await;
    let entries = entries.map_err(|why| refuse(StatusCode::SERVICE_UNAVAILABLE, why))?;
    Ok(Json(entries.iter().map(stored).collect()))
}

fn stored(entry: &Entry) -> StoredRecord {
    let body = match &entry.body {
        Ok(body) => String::from_utf8(body.to_vec()).map_err(|_| String::from("not a hotseat record")),
        Err(damage) => Err(damage.to_string()),
    };
    let (body, damage) = match body {
        Ok(body) => (Some(body), None),
        Err(damage) => (None, Some(damage)),
    };
    let key = entry.key.to_string();
    StoredRecord { key, version: entry.version, nonce: format!("{:032x}", entry.nonce), body, damage }
}

async fn write(
    State(relay): State<Relay>,
    Extension(remote): Extension<Remote>,
    Path((kind, name)): Path<(String, String)>,
    headers: HeaderMap,
    Json(write): Json<StoreWrite>,
) -> Result<Json<StoreWritten>, Refused> {
    admit(remote, &headers)?;
    let (key, nonce, body) =
        check(&format!("{kind}/{name}"), &write).map_err(|why| refuse(StatusCode::BAD_REQUEST, why))?;
    let busy = || refuse(StatusCode::SERVICE_UNAVAILABLE, "too many writes of locks are under way: try again");
    let _turn = WRITES.try_acquire().map_err(|_| busy())?;
    if write.expect.is_none() {
        relay.listing.room_for(&key).await.map_err(|why| refuse(StatusCode::INSUFFICIENT_STORAGE, why))?;
    }
    let written = relay.listing.store().write(&key, write.expect, nonce, body).await;
    Ok(Json(match written {
        Written::Applied { version } => StoreWritten::Applied(version),
        Written::Refused => StoreWritten::Refused,
        Written::Unknown(why) => StoreWritten::Unknown(why),
    }))
}

/// Only a record of a lock, whole and readable, is let through.
fn check(key: &str, write: &StoreWrite) -> Result<(hotseat_stores::Key, u128, Body), String> {
    let parsed: Key = key.parse().map_err(|error: hotseat_core::InvalidName| error.to_string())?;
    if !lock::is_a_locks(&parsed) {
        return Err(format!("{} is not a lock's record", key.escape_debug()));
    }
    if write.expect == Some(0) {
        return Err(String::from("versions count from 1; leave \"expect\" out to create a record"));
    }
    if write.body.len() > RECORD_MAX {
        return Err(format!("a body of {} bytes; at most {RECORD_MAX} are a lock's record", write.body.len()));
    }
    let well_formed = write.nonce.len() == 32 && write.nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
    let nonce = u128::from_str_radix(&write.nonce, 16).ok().filter(|_| well_formed);
    let nonce = nonce.ok_or("a nonce is 32 hexadecimal digits")?;
    lock::check(&parsed, nonce, write.body.as_bytes())?;
    let key = hotseat_stores::Key::parse(key).map_err(|error| error.to_string())?;
    Ok((key, nonce, Body::new(write.body.as_bytes()).map_err(|error| error.to_string())?))
}

/// A line for each time that a lock may have changed hands.
async fn changes(
    State(relay): State<Relay>,
    Extension(remote): Extension<Remote>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Refused> {
    admit(remote, &headers)?;
    let many = || refuse(StatusCode::SERVICE_UNAVAILABLE, format!("{LISTENERS_MAX} locks listen already"));
    let place = LISTENERS.try_acquire().map_err(|_| many())?;
    let news = WatchStream::new(relay.listing.changes()).map(move |number| {
        let _ = &place;
        Ok::<_, std::convert::Infallible>(Sse::default().data(number.to_string()))
    });
    Ok(axum::response::Sse::new(news).keep_alive(KeepAlive::default()))
}
