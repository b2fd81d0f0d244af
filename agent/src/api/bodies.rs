//! The bodies of requests and of answers on their way: who takes too long over one loses it, and it is known whose turn
//! it is. It alters nothing in them.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body as Whole;
use axum::extract::Request;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::proxy::{Busy, Pulse};

/// A body has to come within this…
const BODY_LIMIT: Duration = Duration::from_secs(10);

/// …and a second more for each so many bytes of it, slower than any line that is of use.
const BODY_RATE: u64 = 64 * 1024;

/// A request whose body does not have to be waited for, for ever.
pub(super) fn given(request: hyper::Request<Incoming>, pulse: &Arc<Pulse>) -> Request {
    request.map(|body| {
        let (pulse, began) = (Arc::clone(pulse), Instant::now());
        if body.is_end_stream() {
            Whole::empty()
        } else {
            Whole::new(Given { body, pulse, began, said: 0, late: None })
        }
    })
}

/// The body of a request.
struct Given {
    body: Incoming,
    pulse: Arc<Pulse>,
    began: Instant,
    /// Bytes of it that came.
    said: u64,
    /// Made when it has to be waited for.
    late: Option<Pin<Box<Sleep>>>,
}

impl Given {
    fn deadline(&self) -> Instant {
        self.began + BODY_LIMIT + Duration::from_secs(self.said / BODY_RATE)
    }

    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let deadline = self.deadline();
        let late = self.late.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if late.deadline() != deadline {
            late.as_mut().reset(deadline);
        }
        late.as_mut().poll(cx).is_ready()
    }
}

impl Body for Given {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.pulse.gives(polled.is_pending());
        match polled {
            Poll::Pending if self.is_late(cx) => Poll::Ready(Some(Err(Late.into()))),
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                self.said += frame.data_ref().map_or(0, |data| data.len() as u64);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        self.pulse.gives(false);
    }
}

/// It did not come in time.
#[derive(Debug)]
struct Late;

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rest of the body did not come in time")
    }
}

impl Error for Late {}

/// The body of an answer; its request is under way until it is said.
pub(super) struct Sent {
    body: Whole,
    _busy: Busy,
}

impl Sent {
    pub(super) fn new(body: Whole, busy: Busy) -> Self {
        Self { body, _busy: busy }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
