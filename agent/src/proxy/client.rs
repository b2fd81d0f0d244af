//! A client that is not connected to anything yet: noticing that it leaves, and refusing it.
//!
//! It never takes a byte of what a client sent, except to throw it away after the refusal.

use super::carry::reset;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// What a refused HTTP client reads.
const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 35\r\n\
    Retry-After: 1\r\n\
    Connection: close\r\n\
    \r\n\
    Nobody leads here now. Try again.\r\n";
/// How often a client that has sent something is looked at: its bytes hide its leaving.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A client that is refused as soon as it comes has this long to show what it speaks.
const FIRST_BYTES_WAIT: Duration = Duration::from_millis(250);
/// All of a refusal takes no longer.
const REFUSAL_MAX: Duration = Duration::from_secs(1);
/// So much of a request is thrown away, so that the answer is not lost with it.
const THROWN_AWAY_MAX: u64 = 64 * 1024;
/// Long enough for the longest method and its space.
const LOOK: usize = 8;

/// Waits until the client has left.
///
/// An end of what it sends, after bytes that are no HTTP, is not leaving: it may wait for the answer.
pub(super) async fn leaves(client: &TcpStream) {
    let mut bytes = [0; LOOK];
    loop {
        match client.peek(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(n) if is_http(&bytes[..n]) && sends_no_more(client).await => return,
            Ok(_) => sleep(LOOK_EVERY).await,
        }
    }
}

async fn sends_no_more(client: &TcpStream) -> bool {
    client.ready(Interest::READABLE).await.is_ok_and(|ready| ready.is_read_closed())
}

/// Tells the client that there is nobody: in HTTP if it speaks that, with a reset otherwise.
pub(super) async fn refuse(mut client: TcpStream) {
    let mut bytes = [0; LOOK];
    let seen = timeout(FIRST_BYTES_WAIT, client.peek(&mut bytes)).await;
    match seen {
        Ok(Ok(n)) if is_http(&bytes[..n]) => {
            // A client that does not take the answer gets none.
            let _taken = timeout(REFUSAL_MAX, answer(&mut client)).await;
        }
        Ok(_) | Err(_) => reset(&client),
    }
}

async fn answer(client: &mut TcpStream) -> std::io::Result<u64> {
    client.write_all(UNAVAILABLE).await?;
    client.shutdown().await?;
    // Closing with bytes unread would be a reset, and that could overtake the answer.
    tokio::io::copy(&mut client.take(THROWN_AWAY_MAX), &mut tokio::io::sink()).await
}

fn is_http(bytes: &[u8]) -> bool {
    let methods = ["GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "PATCH ", "OPTIONS ", "CONNECT ", "TRACE "];
    methods.iter().any(|method| bytes.starts_with(method.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_in_the_answer_is_right() {
        let text = str::from_utf8(UNAVAILABLE).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
    }

    #[test]
    fn methods_are_http() {
        let check = |bytes: &[u8], expected| assert_eq!(is_http(bytes), expected, "{bytes:?}");
        check(b"GET / HT", true);
        check(b"OPTIONS ", true);
        check(b"GETAWAY ", false);
        check(b"\x16\x03\x01", false);
        check(b"", false);
    }
}
