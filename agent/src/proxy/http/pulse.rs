//! Whether anything moves on a client's connection: a client that is too slow gives its place to others.
//!
//! Counting costs no timer and no lock per request; one look now and then tells.

use crate::proxy::carry::reset;
use crate::proxy::stream::Stream;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::sleep;

/// The pulse of one connection.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// Requests that are under way, and how often that number changed.
    busy: AtomicUsize,
    turns: AtomicU64,
    /// How often bytes went in or out.
    moved: AtomicU64,
    /// We wait for the client to take, or to give, more.
    takes: AtomicBool,
    gives: AtomicBool,
    /// The end of this connection must not look orderly.
    broken: AtomicBool,
    /// Only one request is under way at a time: to break an answer is to break the connection.
    lone: bool,
}

impl Pulse {
    pub(crate) fn new(lone: bool) -> Self {
        Self { lone, ..Self::default() }
    }

    /// Returns when the client sent no request, or was in the way of one, for at least `quiet`.
    pub(crate) async fn stalls(&self, quiet: Duration) {
        let mut seen = (0, 0);
        loop {
            sleep(quiet).await;
            let now = (self.turns.load(Relaxed), self.moved.load(Relaxed));
            let (idle, awaited) = (self.is_idle(), self.is_awaited());
            if (idle && now.0 == seen.0) || (!idle && awaited && now.1 == seen.1) {
                if !idle {
                    self.broken.store(true, Relaxed);
                }
                return;
            }
            seen = now;
        }
    }

    /// Whether it is for the client to go on.
    pub(crate) fn waits(&self) -> bool {
        self.is_idle() || self.is_awaited()
    }

    /// No request is under way.
    fn is_idle(&self) -> bool {
        self.busy.load(Relaxed) == 0
    }

    /// The client is in the way of one.
    fn is_awaited(&self) -> bool {
        self.takes.load(Relaxed) || (self.lone && self.gives.load(Relaxed))
    }

    /// An answer ends half way.
    pub(super) fn breaks(&self) {
        if self.lone {
            self.broken.store(true, Relaxed);
        }
    }

    /// Whether more of a request is waited for.
    pub(crate) fn gives(&self, awaited: bool) {
        if awaited || self.gives.load(Relaxed) {
            self.gives.store(awaited, Relaxed);
        }
    }

    fn turn(&self) {
        self.turns.fetch_add(1, Relaxed);
    }
}

/// One request that is under way.
pub(crate) struct Busy(Arc<Pulse>);

impl Busy {
    pub(crate) fn new(pulse: &Arc<Pulse>) -> Self {
        pulse.busy.fetch_add(1, Relaxed);
        pulse.turn();
        Self(Arc::clone(pulse))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Relaxed);
        self.0.turn();
        self.0.gives(false);
    }
}

/// A stream whose pulse is felt.
pub(crate) struct Watched<S: Stream> {
    stream: S,
    pulse: Arc<Pulse>,
}

impl<S: Stream> Watched<S> {
    pub(crate) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }

    fn feel<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.pulse.takes.store(polled.is_pending(), Relaxed);
        if polled.is_ready() {
            self.pulse.moved.fetch_add(1, Relaxed);
        }
        polled
    }
}

impl<S: Stream> Drop for Watched<S> {
    fn drop(&mut self) {
        if self.pulse.broken.load(Relaxed) {
            reset(self.stream.socket());
        }
    }
}

impl<S: Stream> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if polled.is_ready() {
            self.pulse.moved.fetch_add(1, Relaxed);
        }
        polled
    }
}

impl<S: Stream> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.feel(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.feel(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
