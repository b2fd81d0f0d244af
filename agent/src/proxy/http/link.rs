//! One connection to a service, and the requests sent on it.

use super::offer::Offer;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// A request that got no answer.
pub(super) enum Failed {
    /// Here it is again: not a byte of it was sent.
    Unsent(Box<Request<Offer>>),
    /// It was sent, perhaps not all of it.
    Sent,
}

impl From<TrySendError<Request<Offer>>> for Failed {
    fn from(mut error: TrySendError<Request<Offer>>) -> Self {
        error.take_message().map_or(Self::Sent, |request| Self::Unsent(Box::new(request)))
    }
}

/// See the module.
pub(super) enum Link {
    /// HTTP/1: one request at a time.
    Lone(Lone),
    /// HTTP/2: a share of a connection that many use.
    Shared(http2::SendRequest<Offer>),
}

impl Link {
    /// HTTP/1 on a connection on which nothing was said.
    pub(super) async fn lone(server: TcpStream) -> Option<Self> {
        let (sender, connection) = http1::handshake(TokioIo::new(server)).await.ok()?;
        let connection: Driving = Box::pin(connection.with_upgrades());
        Some(Self::Lone(Lone { connection: Some(connection), sender, idle_since: Instant::now() }))
    }

    /// HTTP/2 with prior knowledge. The task that drives it ends with the last share, or with the connection.
    pub(super) async fn shared(server: TcpStream) -> Option<Self> {
        let handshake = http2::Builder::new(TokioExecutor::new()).handshake(TokioIo::new(server));
        let (sender, connection) = handshake.await.ok()?;
        tokio::spawn(connection);
        Some(Self::Shared(sender))
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(&mut self, request: Request<Offer>) -> Result<Response<Incoming>, Failed> {
        match self {
            Self::Lone(lone) => lone.send(request).await,
            Self::Shared(sender) => Ok(sender.try_send_request(request).await?),
        }
    }

    /// Moves what is to be moved.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        match self {
            Self::Lone(lone) => lone.drive(cx),
            Self::Shared(_) => {}
        }
    }
}

type Driving = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// An HTTP/1 connection. Whoever uses it drives it: no other task has to be woken for a request.
pub(super) struct Lone {
    /// None once it is over.
    connection: Option<Driving>,
    sender: http1::SendRequest<Offer>,
    pub(super) idle_since: Instant,
}

impl Lone {
    async fn send(&mut self, request: Request<Offer>) -> Result<Response<Incoming>, Failed> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let connection = &mut self.connection;
        let answered = poll_fn(|cx| {
            drive(connection, cx);
            let answered = answer.as_mut().poll(cx);
            if answered.is_ready() {
                // An answer without a body is over now, and the connection free.
                drive(connection, cx);
            }
            answered
        });
        Ok(answered.await?)
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.connection, cx);
    }

    /// Whether it can take a request now: the last one is over, and the service has not closed it.
    pub(super) fn is_free(&mut self, cx: &mut Context<'_>) -> bool {
        self.drive(cx);
        self.connection.is_some() && self.sender.is_ready()
    }
}

fn drive(connection: &mut Option<Driving>, cx: &mut Context<'_>) {
    if let Some(driving) = connection
        && let Poll::Ready(_ended) = driving.as_mut().poll(cx)
    {
        // What failed is said to whoever waits for an answer.
        *connection = None;
    }
}
