//! A client that is not connected to anything yet: noticing that it leaves, and refusing it.
//!
//! It takes no byte of what a client sent, except to throw it away after the refusal.

use super::carry::reset;
use super::speech::{LOOK, Speech};
use super::stream::{Heard, Stream};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// What a client reads when there is nobody for it.
pub(super) const NOBODY: &str = "Nobody leads here now. Try again.\n";

/// What a refused HTTP client reads.
const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 34\r\n\
    Retry-After: 1\r\n\
    Connection: close\r\n\
    \r\n\
    Nobody leads here now. Try again.\n";
/// How often a client that has sent something is looked at: its bytes hide its leaving.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A client that is refused as soon as it comes has this long to show what it speaks.
const FIRST_BYTES_WAIT: Duration = Duration::from_millis(250);
/// All of a refusal takes no longer.
const REFUSAL_MAX: Duration = Duration::from_secs(1);
/// So much of a request is thrown away, so that the answer is not lost with it.
const THROWN_AWAY_MAX: u64 = 64 * 1024;

/// Waits until the client has left.
///
/// An end of what it sends, after bytes that are no HTTP, is not leaving: it may wait for the answer.
pub(super) async fn leaves<S: Stream>(client: &Heard<S>) {
    let socket = client.socket();
    let mut bytes = [0; LOOK];
    loop {
        match socket.peek(&mut bytes).await {
            Ok(0) if client.said().is_empty() => return,
            Ok(0) => sleep(LOOK_EVERY).await,
            Ok(n) if Speech::of(&bytes[..n]) == Speech::Http1 && sends_no_more(socket).await => return,
            // The farewell of TLS lies unread before the end.
            Ok(_) if !client.is_plain() && sends_no_more(socket).await => return,
            Ok(_) => sleep(LOOK_EVERY).await,
            Err(_) => return,
        }
    }
}

async fn sends_no_more(socket: &TcpStream) -> bool {
    socket.ready(Interest::READABLE).await.is_ok_and(|ready| ready.is_read_closed())
}

/// Tells the client that there is nobody: in HTTP if it speaks that, with a reset otherwise.
pub(super) async fn refuse<S: Stream>(mut client: Heard<S>) {
    let mut bytes = [0; LOOK];
    let seen = timeout(FIRST_BYTES_WAIT, client.socket().peek(&mut bytes)).await;
    match seen {
        Ok(Ok(n)) if client.said().is_empty() && Speech::of(&bytes[..n]) == Speech::Http1 => {
            // A client that does not take the answer gets none.
            let _taken = timeout(REFUSAL_MAX, answer(&mut client)).await;
        }
        Ok(_) | Err(_) => reset(client.socket()),
    }
}

async fn answer<S: Stream>(client: &mut Heard<S>) -> std::io::Result<u64> {
    client.write_all(UNAVAILABLE).await?;
    client.shutdown().await?;
    // Closing with bytes unread would be a reset, and that could overtake the answer.
    tokio::io::copy(&mut client.take(THROWN_AWAY_MAX), &mut tokio::io::sink()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_in_the_answer_is_right() {
        let text = str::from_utf8(UNAVAILABLE).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
        assert_eq!(body, NOBODY);
    }
}
