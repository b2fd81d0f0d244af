//! The HTTP check. Any method and any path are the same question: `HAProxy`'s plain check sends `OPTIONS / HTTP/1.0` with
//! no headers and resets after the status line; `check_http` speaks HTTP/1.0 without `Host` and waits for the close.
//!
//! It is served as the API is, with the same bounds against slow, huge and many clients.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::standing::{Sight, Standing};
use crate::api::{self, Front};

/// A check says all it has to say at once: who connects and is silent takes the place of nobody else for long.
const HEAD_LIMIT: Duration = Duration::from_secs(1);

/// Answers until the runtime ends.
pub(super) async fn serve(listener: TcpListener, sight: Sight) {
    let router = Router::new().fallback(answer).with_state(sight);
    let (_, routes) = watch::channel(Some(router));
    api::serve(listener, Front { routes, links: None, web: None, head_limit: HEAD_LIMIT }).await;
}

async fn answer(State(sight): State<Sight>) -> impl IntoResponse {
    let standing = sight.standing();
    let status = match standing {
        Standing::Leader => StatusCode::OK,
        Standing::Follower | Standing::Unknown => StatusCode::SERVICE_UNAVAILABLE,
    };
    // A check is one question: who waits for the close instead of the length is not kept waiting.
    let headers = [(header::CONNECTION, "close"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, standing.sentence())
}
