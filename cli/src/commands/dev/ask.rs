//! One request of the probe, on a connection of its own. It measures nothing.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What every request says: no header at all, so that it costs the server little and frightens none.
const REQUEST: &[u8] = b"GET / HTTP/1.0\r\n\r\n";

/// So much of an answer is read.
const ANSWER_MAX: usize = 64 * 1024;

/// A server that says nothing for so long is taken for one that waits for words we do not know.
const SILENCE: Duration = Duration::from_secs(2);

/// What counts as an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An HTTP answer; with `true` one of 500 and above too, because that is what this server always says.
    Http(bool),
    /// Some bytes.
    Bytes,
    /// A connection to the leader's server, past the proxy: this server waits for words that only its clients know.
    Connection,
}

impl Kind {
    /// What is measured, in words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Http(_) => "GET / through the proxy",
            Self::Bytes => "first bytes through the proxy (it does not speak HTTP)",
            Self::Connection => "connecting to the leader's server (it does not speak HTTP)",
        }
    }
}

/// Finds out what this server answers.
pub(super) async fn learn(proxy: SocketAddr) -> io::Result<Kind> {
    match timeout(SILENCE, exchange(proxy)).await {
        Ok(Ok(answer)) => Ok(match status(&answer) {
            Some(status) => Kind::Http(status >= 500),
            None if answer.is_empty() => Kind::Connection,
            None => Kind::Bytes,
        }),
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(Kind::Connection),
    }
}

/// One request. An error is a failure that a client would have seen.
pub(super) async fn ask(kind: Kind, target: SocketAddr) -> io::Result<()> {
    if kind == Kind::Connection {
        return TcpStream::connect(target).await.map(drop);
    }
    let answer = exchange(target).await?;
    match (kind, status(&answer)) {
        (Kind::Http(true), Some(_)) | (Kind::Http(false), Some(..500)) => Ok(()),
        (Kind::Bytes, _) if !answer.is_empty() => Ok(()),
        (Kind::Http(_) | Kind::Bytes | Kind::Connection, _) => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Says the request and reads to the end, or as far as it goes.
async fn exchange(target: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    stream.write_all(REQUEST).await?;
    let mut answer = vec![0; 4096];
    let mut length = stream.read(&mut answer).await?;
    let is_http = status(&answer[..length]).is_some();
    // Others may keep the connection open for ever; their first bytes are the answer.
    while is_http && length < ANSWER_MAX {
        let mut more = [0; 4096];
        match stream.read(&mut more).await? {
            0 => break,
            n => {
                answer.resize(length, 0);
                answer.extend_from_slice(&more[..n]);
                length += n;
            }
        }
    }
    answer.truncate(length);
    Ok(answer)
}

/// The status of an HTTP answer.
fn status(answer: &[u8]) -> Option<u16> {
    let rest = answer.strip_prefix(b"HTTP/1.")?;
    str::from_utf8(rest.get(2..5)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read() {
        let check = |answer: &[u8], expected| assert_eq!(status(answer), expected, "{answer:?}");
        check(b"HTTP/1.0 200 OK\r\n", Some(200));
        check(b"HTTP/1.1 503 No\r\n", Some(503));
        check(b"HTTP/1.1 ", None);
        check(b"-ERR wrong number of arguments\r\n", None);
        check(b"", None);
    }
}
