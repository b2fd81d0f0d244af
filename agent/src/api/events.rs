//! `GET /api/events`: the story so far as JSON, or, for who accepts `text/event-stream`, as it goes on.

use std::convert::Infallible;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event as Sse, KeepAlive};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use hotseat_client::Event;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio_stream::wrappers::BroadcastStream;

use super::sight::SIGN_OF_LIFE;
use super::{Api, wants_stream};

/// Readers that may hang on at once: health checks must find a connection whatever they do.
const READERS_MAX: usize = 256;

static READERS: Semaphore = Semaphore::const_new(READERS_MAX);

#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    after: u64,
}

pub(super) async fn events(State(api): State<Api>, Query(query): Query<After>, headers: HeaderMap) -> Response {
    if !wants_stream(&headers) {
        return Json(api.history.after(query.after)).into_response();
    }
    let Ok(place) = READERS.try_acquire() else {
        let many = format!("{READERS_MAX} readers follow already; ask without text/event-stream");
        return super::refuse(StatusCode::SERVICE_UNAVAILABLE, many).into_response();
    };
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let (past, news) = api.history.subscribe(resumed.unwrap_or(query.after));
    // A reader that lags loses its stream; it comes back with the number of the last event it had.
    let news = BroadcastStream::new(news)
        .take_while(|news| std::future::ready(news.is_ok()))
        .filter_map(|news| async { news.ok() });
    let all = stream::iter(past).chain(news).map(move |event| {
        let _ = &place;
        Ok::<_, Infallible>(sse(&event))
    });
    axum::response::Sse::new(all).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)).into_response()
}

fn sse(event: &Event) -> Sse {
    let data = serde_json::to_string(event).unwrap_or_default();
    Sse::default().id(event.id.to_string()).data(data)
}
