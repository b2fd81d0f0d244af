//! `GET /api/events`: the story so far as JSON, or, for who accepts `text/event-stream`, as it goes on.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::Event as Sse;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::{StreamExt, stream};
use hotseat_client::Event;

use super::readers::{self, After, Readers};
use super::{Api, Remote};

static READERS: Readers = Readers::new(256, "readers follow already; ask without text/event-stream");

pub(super) async fn events(
    State(api): State<Api>,
    Extension(remote): Extension<Remote>,
    Query(query): Query<After>,
    headers: HeaderMap,
) -> Response {
    if !readers::wants_stream(&headers) {
        return Json(api.history.after(query.after)).into_response();
    }
    let place = match READERS.place(remote) {
        Ok(place) => place,
        Err(many) => return many.into_response(),
    };
    // A browser that comes back says which was the last one it had.
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let (past, news) = api.history.subscribe(resumed.unwrap_or(query.after));
    let all = stream::iter(past).chain(readers::news(news));
    readers::stream(place, all.map(|event| sse(&event)))
}

fn sse(event: &Event) -> Sse {
    let data = serde_json::to_string(event).unwrap_or_default();
    Sse::default().id(event.id.to_string()).data(data)
}
