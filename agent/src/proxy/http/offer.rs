//! The body of a request on its way to a service.

use super::pulse::Pulse;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use tokio::sync::OwnedSemaphorePermit;

/// A larger body is passed on as it comes, and the request is sent once only.
pub(super) const WHOLE_MAX: u64 = 64 * 1024;

/// See the module.
pub(super) enum Offer {
    /// There is none.
    Empty,
    /// All of it is at hand.
    Whole(Whole),
    /// It comes from the client while it is sent.
    Coming(Coming),
}

/// A body that is at hand, and the room it takes.
#[derive(Clone)]
pub(super) struct Whole {
    bytes: Option<Bytes>,
    _room: Arc<OwnedSemaphorePermit>,
}

impl Whole {
    /// Reads all of a body; none if the client did not send it, or more than it said.
    pub(super) async fn read(mut body: Coming, length: usize, room: OwnedSemaphorePermit) -> Option<Self> {
        let mut bytes = Vec::with_capacity(length);
        while let Some(frame) = std::future::poll_fn(|cx| body.poll(cx)).await {
            if let Ok(data) = frame.ok()?.into_data() {
                bytes.extend_from_slice(&data);
            }
        }
        (bytes.len() == length).then(|| Self { bytes: Some(bytes.into()), _room: Arc::new(room) })
    }
}

/// A body that comes from a client.
pub(super) struct Coming {
    body: Incoming,
    pulse: Arc<Pulse>,
    torn: Torn,
}

/// Whether a client did not send the body that it had begun: what then fails is its own doing, not the service's.
#[derive(Clone, Default)]
pub(super) struct Torn(Arc<AtomicBool>);

impl Torn {
    pub(super) fn is_torn(&self) -> bool {
        self.0.load(Relaxed)
    }
}

impl Coming {
    pub(super) fn new(body: Incoming, pulse: &Arc<Pulse>) -> Self {
        Self { body, pulse: Arc::clone(pulse), torn: Torn::default() }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.pulse.gives(polled.is_pending());
        if let Poll::Ready(Some(Err(_))) = &polled {
            self.torn.0.store(true, Relaxed);
        }
        polled
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.pulse.gives(false);
    }
}

impl Offer {
    /// The same once more, if it is at hand.
    pub(super) fn copy(&self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Whole(whole) => Some(Self::Whole(whole.clone())),
            Self::Coming(_) => None,
        }
    }

    /// Tells of a body that is passed on as it comes whether the client sent it.
    pub(super) fn torn(&self) -> Torn {
        match self {
            Self::Empty | Self::Whole(_) => Torn::default(),
            Self::Coming(coming) => coming.torn.clone(),
        }
    }
}

impl Body for Offer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Whole(whole) => Poll::Ready(whole.bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Coming(coming) => coming.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Whole(whole) => whole.bytes.is_none(),
            Self::Coming(coming) => coming.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Whole(whole) => SizeHint::with_exact(whole.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Coming(coming) => coming.body.size_hint(),
        }
    }
}
