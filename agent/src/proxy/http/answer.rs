//! The body of an answer on its way to the client: a service's, or a few words of our own.
//!
//! It carries the connection it comes from, drives it, and gives it back at its end. It delivers nothing once the way
//! it comes by is over, and what ends half way never looks complete.

use super::Visit;
use super::link::Link;
use super::pools::Seat;
use super::pulse::Busy;
use crate::proxy::client::NOBODY;
use futures_util::future::{BoxFuture, FutureExt};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// When nobody is there for a request: a failover takes about so many seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");
const LOST: &str = "The connection to the leader was lost; the request may or may not have been carried out.\n";

/// See the module.
pub(super) enum Answer {
    /// Our own words, until they are taken.
    Ours(Option<Bytes>),
    /// A service's.
    Relayed(Box<Relay>),
}

/// A service's answer.
pub(super) struct Relay {
    pub(super) body: Incoming,
    pub(super) link: Option<Link>,
    pub(super) seat: Seat,
    pub(super) visit: Arc<Visit>,
    pub(super) _busy: Busy,
    /// Made when the body has to be waited for.
    over: Option<BoxFuture<'static, ()>>,
}

/// An answer ended half way.
#[derive(Debug)]
pub(super) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer ended half way")
    }
}

impl std::error::Error for Broken {}

impl Answer {
    pub(super) fn relayed(body: Incoming, link: Link, seat: Seat, visit: Arc<Visit>, busy: Busy) -> Self {
        Self::Relayed(Box::new(Relay { body, link: Some(link), seat, visit, _busy: busy, over: None }))
    }

    fn ours(status: StatusCode, words: &'static str) -> Response<Self> {
        let mut response = Response::new(Self::Ours(Some(Bytes::from_static(words.as_bytes()))));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        response
    }

    /// Nobody was there for the request, and nothing came of it.
    pub(super) fn nobody() -> Response<Self> {
        let mut response = Self::ours(StatusCode::SERVICE_UNAVAILABLE, NOBODY);
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        response
    }

    /// Nobody knows what came of the request: it is for the client to say whether it may be sent again.
    pub(super) fn lost() -> Response<Self> {
        Self::ours(StatusCode::BAD_GATEWAY, LOST)
    }

    /// The leader is elsewhere, and the client is to go there.
    pub(super) fn elsewhere(location: HeaderValue) -> Response<Self> {
        let mut response = Self::ours(StatusCode::TEMPORARY_REDIRECT, "The leader is elsewhere.\n");
        response.headers_mut().insert(header::LOCATION, location);
        response
    }

    /// The client did not send what it said it would.
    pub(super) fn bad() -> Response<Self> {
        Self::ours(StatusCode::BAD_REQUEST, "The body of the request is not what its head says.\n")
    }

    /// It is not said, or not clear, for which host the request is.
    pub(super) fn no_host() -> Response<Self> {
        Self::ours(StatusCode::BAD_REQUEST, "A request has one Host header, not none and not two.\n")
    }

    /// This is no forward proxy.
    pub(super) fn not_here() -> Response<Self> {
        Self::ours(StatusCode::METHOD_NOT_ALLOWED, "CONNECT is not for here.\n")
    }
}

impl Relay {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.seat.is_over() {
            self.visit.shared.counters.cut();
            return Poll::Ready(Some(Err(self.broken())));
        }
        if let Some(link) = &mut self.link {
            link.drive(cx);
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if self.body.is_end_stream() {
                    self.finish(cx);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(self.broken()))),
            Poll::Ready(None) => {
                self.finish(cx);
                Poll::Ready(None)
            }
            Poll::Pending => {
                let seat = &self.seat;
                ready!(self.over.get_or_insert_with(|| seat.over().boxed()).as_mut().poll(cx));
                self.visit.shared.counters.cut();
                Poll::Ready(Some(Err(self.broken())))
            }
        }
    }

    pub(super) fn finish(&mut self, cx: &mut Context<'_>) {
        if let Some(link) = self.link.take() {
            self.seat.give_back(link, cx);
        }
        self.seat.uncount();
    }

    fn broken(&mut self) -> Broken {
        self.visit.pulse.breaks();
        self.link = None;
        self.seat.uncount();
        Broken
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut *self {
            Self::Ours(words) => Poll::Ready(words.take().map(|words| Ok(Frame::data(words)))),
            Self::Relayed(relay) => relay.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Ours(words) => words.is_none(),
            Self::Relayed(relay) => relay.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Ours(words) => SizeHint::with_exact(words.as_ref().map_or(0, |words| words.len() as u64)),
            Self::Relayed(relay) => relay.body.size_hint(),
        }
    }
}
