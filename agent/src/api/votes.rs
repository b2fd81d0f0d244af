//! A lock's way to the voters, where they keep the leases. It only carries, and only for locks on this machine.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::response::sse::{Event as Sse, KeepAlive};
use axum::{Extension, Json};
use futures_util::StreamExt;
use hotseat_core::Renewal;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::locks::admit;
use super::{Api, Refused, Remote, refuse};
use crate::driver::Message;
use crate::lock::{self, Word};

/// `POST /api/lock/renew`.
pub(super) async fn renew(
    State(api): State<Api>,
    Extension(remote): Extension<Remote>,
    headers: HeaderMap,
    Json(renewal): Json<Renewal>,
) -> Result<Json<serde_json::Value>, Refused> {
    admit(remote, &headers)?;
    if !lock::is_on(&renewal.node, api.facts.config.node.name.as_str()) {
        return Err(refuse(StatusCode::BAD_REQUEST, format!("{} is no lock of this machine", renewal.node)));
    }
    // Late is as good as never: the next one follows soon.
    drop(api.inbox.try_send(Message::Lock(Word::Renew(renewal))));
    Ok(Json(serde_json::json!({})))
}

/// `GET /api/lock/votes`: a line for all that is heard of locks.
pub(super) async fn votes(
    State(api): State<Api>,
    Extension(remote): Extension<Remote>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Refused> {
    admit(remote, &headers)?;
    let (ear, heard) = mpsc::channel(lock::WAITING_MAX);
    let stopping = |_| refuse(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping");
    api.inbox.send(Message::Lock(Word::Listen(ear))).await.map_err(stopping)?;
    let lines = ReceiverStream::new(heard).map(|heard| {
        Ok::<_, std::convert::Infallible>(Sse::default().data(serde_json::to_string(&heard).unwrap_or_default()))
    });
    Ok(axum::response::Sse::new(lines).keep_alive(KeepAlive::default()))
}
