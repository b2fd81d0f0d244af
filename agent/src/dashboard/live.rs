//! `GET /dashboard/live?after=FRAME`: the frames to come, as `text/event-stream`. Readers share the bytes; a slow one is
//! sent the newest frame whole when it is ready for more.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;

use super::frame::Frame;
use super::wall::Wall;
use crate::api::Remote;
use crate::api::readers::{After, Place, Readers};

/// All screens of a large team, and still connections for everybody else.
static READERS: Readers = Readers::new(256, "dashboards are open here already: open another member's, or close one");

struct Reader {
    frames: watch::Receiver<Arc<Frame>>,
    /// The frame that the reader's page shows.
    has: u64,
    _place: Place,
}

pub(super) async fn live(
    State(wall): State<Arc<Wall>>,
    Extension(remote): Extension<Remote>,
    Query(query): Query<After>,
) -> Response {
    let place = match READERS.place(remote) {
        Ok(place) => place,
        Err(many) => return many.into_response(),
    };
    let reader = Reader { frames: wall.watch(), has: query.after, _place: place };
    let body = Body::from_stream(stream::unfold(reader, next));
    let head = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (head, body).into_response()
}

/// Ends with the agent.
async fn next(mut reader: Reader) -> Option<(Result<Bytes, Infallible>, Reader)> {
    reader.frames.changed().await.ok()?;
    let frame = Arc::clone(&reader.frames.borrow_and_update());
    let bytes = if frame.before == reader.has { frame.news.clone() } else { frame.whole.clone() };
    reader.has = frame.number;
    Some((Ok(bytes), reader))
}
