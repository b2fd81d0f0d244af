//! A `tower` layer that sends each request to the leader's service, wherever it is by then.
//!
//! ```text
//!  request ──> is there a leader? ──no──> wait, up to `hold`
//!                 │ yes
//!                 v
//!             its address, its epoch ──> inner service ──answer──> done
//!                 ^                          │ not sent; or failed, and may be done twice;
//!                 └──────── pause ───────────┘ or the leader changed meanwhile
//! ```
//! It never sends a request twice that may have been done and is not idempotent by its method (RFC 9110).

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Response, StatusCode, Uri, request};
use tokio::time::{Instant, timeout, timeout_at};
use tower::{Layer, Service};

use crate::backoff::Backoff;
use crate::leader::{Leader, Leading};

/// Tells the service which leadership the request is meant for: one that knows a smaller epoch leads no more.
pub const EPOCH_HEADER: HeaderName = HeaderName::from_static("hotseat-epoch");

/// A planned change takes milliseconds, the loss of a host a few ttls.
const HOLD: Duration = Duration::from_secs(30);

/// All attempts at one request together.
const LIMIT: Duration = Duration::from_secs(60);

/// Attempts at one request: enough for some changes of leader in a row; what fails more often is not the leader's change.
const ATTEMPTS_MAX: u32 = 8;

/// How much earlier than we a service may know that it leads no more, where no member has room to tell us at once.
const NEWS: Duration = Duration::from_millis(300);

type NotSent<E> = Arc<dyn Fn(&E) -> bool + Send + Sync>;

/// See [`crate::tower`]. `E` is the error of the service it is put around.
pub struct LeaderLayer<E> {
    leader: Leader,
    hold: Duration,
    limit: Duration,
    not_sent: NotSent<E>,
}

impl<E> LeaderLayer<E> {
    /// Requests go to this leader. They wait up to 30 s for one, and may take 60 s in all.
    #[must_use]
    pub fn new(leader: Leader) -> Self {
        Self { leader, hold: HOLD, limit: LIMIT, not_sent: Arc::new(|_| false) }
    }

    /// How long a request waits while nobody leads. The default is 30 s.
    #[must_use]
    pub fn hold(self, hold: Duration) -> Self {
        Self { hold, ..self }
    }

    /// How long a request may take, with all waits and attempts. The default is 60 s.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Which errors mean that nothing of the request was sent, so that even a `POST` may be sent again:
    /// `reqwest::Error::is_connect`, for one. By default none does.
    #[must_use]
    pub fn not_sent(self, not_sent: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        Self { not_sent: Arc::new(not_sent), ..self }
    }
}

impl<E> Clone for LeaderLayer<E> {
    fn clone(&self) -> Self {
        let not_sent = Arc::clone(&self.not_sent);
        Self { leader: self.leader.clone(), hold: self.hold, limit: self.limit, not_sent }
    }
}

impl<E> fmt::Debug for LeaderLayer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = f.debug_struct("LeaderLayer");
        told.field("leader", &self.leader).field("hold", &self.hold).field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl<S, E> Layer<S> for LeaderLayer<E> {
    type Service = ToLeader<S, E>;

    fn layer(&self, inner: S) -> Self::Service {
        ToLeader { inner, layer: self.clone() }
    }
}

/// A service whose requests go to the leader: what a [`LeaderLayer`] makes of another service.
pub struct ToLeader<S, E> {
    inner: S,
    layer: LeaderLayer<E>,
}

impl<S: Clone, E> Clone for ToLeader<S, E> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S: fmt::Debug, E> fmt::Debug for ToLeader<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToLeader").field("inner", &self.inner).field("layer", &self.layer).finish()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum CallError<E> {
    /// Nobody led for so long. Nothing was sent.
    NoLeader(Duration),
    /// The leader's service has no address, or one that is none. Nothing was sent.
    NoAddress(Leading),
    /// It took too long. It may have been done, or not.
    Late(Duration),
    /// The last attempt failed like this.
    Service(E),
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLeader(hold) => write!(f, "nobody led for {hold:?}"),
            Self::NoAddress(leading) => write!(f, "the service of {} has no address to send to", leading.node),
            Self::Late(limit) => write!(f, "no answer within {limit:?}"),
            Self::Service(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for CallError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Service(error) => error.source(),
            Self::NoLeader(_) | Self::NoAddress(_) | Self::Late(_) => None,
        }
    }
}

type Answer<R, E> = Pin<Box<dyn Future<Output = Result<Response<R>, CallError<E>>> + Send>>;

impl<S, B, R> Service<Request<B>> for ToLeader<S, S::Error>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
    B: Clone + Send + 'static,
    R: Send + 'static,
{
    type Response = Response<R>;
    type Error = CallError<S::Error>;
    type Future = Answer<R, S::Error>;

    /// Always ready: each attempt waits for the inner service itself.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let call = Call { inner: self.inner.clone(), layer: self.layer.clone(), parts, body };
        let limit = self.layer.limit;
        Box::pin(async move { timeout(limit, call.run()).await.unwrap_or(Err(CallError::Late(limit))) })
    }
}

/// One request, until it is answered.
struct Call<S, B, E> {
    inner: S,
    layer: LeaderLayer<E>,
    parts: request::Parts,
    body: B,
}

impl<S, B, R> Call<S, B, S::Error>
where
    S: Service<Request<B>, Response = Response<R>>,
    B: Clone,
{
    async fn run(mut self) -> Result<Response<R>, CallError<S::Error>> {
        let mut backoff = Backoff::new();
        let mut left = ATTEMPTS_MAX;
        loop {
            let leading = self.leading().await?;
            let request = self.addressed(&leading).ok_or_else(|| CallError::NoAddress(leading.clone()))?;
            left -= 1;
            let answer = match self.attempt(request, &leading).await {
                None if left > 0 => continue,
                None => return Err(CallError::Late(self.layer.limit)),
                Some(answer) => answer,
            };
            let pause = match &answer {
                // Whoever answers like this has not done it.
                Ok(answer) if answer.status() == StatusCode::MISDIRECTED_REQUEST => Some(NEWS),
                Ok(answer) if answer.status() == StatusCode::SERVICE_UNAVAILABLE && self.repeats() => Some(NEWS),
                Ok(_) => None,
                Err(error) => ((self.layer.not_sent)(error) || self.repeats()).then(|| backoff.pause()),
            };
            let Some(pause) = pause.filter(|_| left > 0) else { return answer.map_err(CallError::Service) };
            let changed = self.changes(&leading, pause).await;
            if answer.is_ok() && !changed {
                // It is the leader who says so, then.
                return answer.map_err(CallError::Service);
            }
        }
    }

    async fn leading(&mut self) -> Result<Leading, CallError<S::Error>> {
        let hold = self.layer.hold;
        timeout_at(Instant::now() + hold, self.layer.leader.led()).await.map_err(|_| CallError::NoLeader(hold))
    }

    /// The answer; none once somebody else leads and the request may be sent anew.
    async fn attempt(&mut self, request: Request<B>, leading: &Leading) -> Option<Result<Response<R>, S::Error>> {
        let repeats = self.repeats();
        if let Err(error) = poll_fn(|context| self.inner.poll_ready(context)).await {
            return Some(Err(error));
        }
        let answer = self.inner.call(request);
        tokio::select! {
            biased;
            answer = answer => Some(answer),
            _ = self.layer.leader.led_where(|now| now.epoch > leading.epoch), if repeats => None,
        }
    }

    /// Whether somebody else leads, or nobody, before the pause is over.
    async fn changes(&mut self, leading: &Leading, pause: Duration) -> bool {
        let changed = async {
            while self.layer.leader.current().as_ref() == Some(leading) {
                if !self.layer.leader.changed().await {
                    std::future::pending::<()>().await;
                }
            }
        };
        timeout(pause, changed).await.is_ok()
    }

    /// Whether doing it twice is doing it once.
    fn repeats(&self) -> bool {
        [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE, Method::PUT, Method::DELETE]
            .contains(&self.parts.method)
    }

    fn addressed(&self, leading: &Leading) -> Option<Request<B>> {
        let mut request = Request::from_parts(self.parts.clone(), self.body.clone());
        let mut uri = self.parts.uri.clone().into_parts();
        uri.scheme = uri.scheme.or(Some(Scheme::HTTP));
        uri.authority = Some(leading.service.as_deref()?.parse::<Authority>().ok()?);
        uri.path_and_query = uri.path_and_query.or(Some(PathAndQuery::from_static("/")));
        *request.uri_mut() = Uri::from_parts(uri).ok()?;
        request.headers_mut().insert(EPOCH_HEADER, HeaderValue::from(leading.epoch));
        Some(request)
    }
}
