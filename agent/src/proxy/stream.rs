//! A client's connection, whatever lies between its socket and its words.

use super::speech::LOOK;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What clients speak through: a socket, or something upon one.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The socket underneath: for what concerns the connection and not its words.
    fn socket(&self) -> &TcpStream;

    /// Whether what the socket carries is what the client says.
    fn is_plain(&self) -> bool {
        true
    }
}

impl Stream for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

/// A stream whose first bytes were looked at, and are read again by whoever reads it.
pub(super) struct Heard<S> {
    stream: S,
    said: [u8; LOOK],
    /// What of `said` has been read, and how much there is of it.
    read: usize,
    len: usize,
}

impl<S: Stream> Heard<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, said: [0; LOOK], read: 0, len: 0 }
    }

    /// What the client has said, as far as it was looked at.
    pub(super) fn said(&self) -> &[u8] {
        &self.said[..self.len]
    }

    /// Looks at more of what the client says; 0: there is no more, or no room for it.
    pub(super) async fn listen(&mut self) -> io::Result<usize> {
        let n = self.stream.read(&mut self.said[self.len..]).await?;
        self.len += n;
        Ok(n)
    }
}

impl<S: Stream> Stream for Heard<S> {
    fn socket(&self) -> &TcpStream {
        self.stream.socket()
    }

    fn is_plain(&self) -> bool {
        self.stream.is_plain()
    }
}

impl<S: Stream> AsyncRead for Heard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.read == this.len {
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        }
        let n = buf.remaining().min(this.len - this.read);
        buf.put_slice(&this.said[this.read..this.read + n]);
        this.read += n;
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream> AsyncWrite for Heard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
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
