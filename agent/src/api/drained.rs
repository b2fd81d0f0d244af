//! What the agent of a leader that is about to end asks all others: is anything under way to it from here?
//!
//! It waits and looks. Nobody can do anything with it.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use serde::Deserialize;
use tokio::time::timeout;

use super::shares::Shares;
use super::{Api, Remote, find, refuse};

/// No question is kept waiting longer: whoever still wants to know asks again.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Who waits here at once, all together and for one network: each leader asks once for each of its groups. Who is told that
/// there are too many asks again.
static WAITERS: Shares = Shares::new(256, 64);

/// Of which leadership.
#[derive(Debug, Deserialize)]
pub(super) struct Of {
    epoch: u64,
}

/// 200 once the proxies here know that the leadership ends, or has ended, and have no request under way to it.
pub(super) async fn drained(
    State(api): State<Api>,
    Extension(remote): Extension<Remote>,
    Path(group): Path<String>,
    Query(of): Query<Of>,
) -> Response {
    let id = match find(&api.snapshot(), &group) {
        Err(refused) => return refused.into_response(),
        Ok(group) => group.id.clone(),
    };
    let Some(drains) = api.facts.drains.get(&id).cloned() else {
        return (StatusCode::OK, "no proxy here\n").into_response();
    };
    let Some(_share) = WAITERS.take(remote) else {
        return refuse(StatusCode::TOO_MANY_REQUESTS, "too many wait for this already: ask again").into_response();
    };
    let all = join_all(drains.into_iter().map(|proxy| proxy.drained(of.epoch)));
    match timeout(WAIT_MAX, all).await {
        Ok(_all) => (StatusCode::OK, "drained\n").into_response(),
        Err(_late) => (StatusCode::SERVICE_UNAVAILABLE, "requests may be under way\n").into_response(),
    }
}
