//! Who follows what goes on and on: so many at a time and no more, whatever it is, and of those that need no right for it only
//! so many for one network. That a stream ends when its reader would
//! no longer be let in is seen to at the door, for all of them alike (see [`crate::rights`]).

use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event as Sse, KeepAlive};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use hotseat_client::Event;
use serde::Deserialize;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use super::shares::{Share, Shares};
use super::{Refused, Remote, refuse};

/// A reader that went away is found out by what is written to it, at the second try; until then it keeps its place.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// One of the places for readers, for as long as it is held.
pub(crate) type Place = Share<'static>;

/// The places for the readers of one thing. Health checks must find a connection whatever readers do.
pub(crate) struct Readers {
    places: Shares,
    max: usize,
    /// What is so when all are taken, and what to do then.
    taken: &'static str,
}

impl Readers {
    /// For so many; `taken` is told, after their number, to one more.
    pub(crate) const fn new(max: usize, taken: &'static str) -> Self {
        Self { places: Shares::new(max, max), max, taken }
    }

    /// The same for what needs no right: one network gets a quarter of the places.
    pub(crate) const fn public(max: usize, taken: &'static str) -> Self {
        Self { places: Shares::new(max, max / 4), max, taken }
    }

    /// A place for who asks from there, if there is one left.
    pub(crate) fn place(&'static self, from: Remote) -> Result<Place, Refused> {
        let many = || format!("{}, or too many of them from {from}, {}", self.max, self.taken);
        self.places.take(from).ok_or_else(|| refuse(StatusCode::SERVICE_UNAVAILABLE, many()))
    }
}

/// `?after=NUMBER`: what the reader has already.
#[derive(Deserialize)]
pub(crate) struct After {
    #[serde(default)]
    pub(crate) after: u64,
}

/// Whether somebody wants to be told as things happen, and not once.
pub(super) fn wants_stream(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accepts.is_some_and(|accepts| accepts.contains("text/event-stream"))
}

/// Events from now on. A reader that lags loses its stream, and comes back with what it had last.
pub(super) fn news(events: broadcast::Receiver<Event>) -> impl Stream<Item = Event> {
    BroadcastStream::new(events).take_while(|news| ready(news.is_ok())).filter_map(|news| ready(news.ok()))
}

/// The answer to a reader in its place.
pub(super) fn stream(place: Place, events: impl Stream<Item = Sse> + Send + 'static) -> Response {
    let events = events.map(move |event| {
        let _held = &place;
        Ok::<_, Infallible>(event)
    });
    axum::response::Sse::new(events).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)).into_response()
}
