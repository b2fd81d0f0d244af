//! What a client speaks, by its first bytes.

use super::stream::{Heard, Stream};
use std::io;
use tokio::time::{Instant, timeout_at};

/// So many first bytes tell.
pub(super) const LOOK: usize = 24;
/// The longest method that is taken for one.
const METHOD_MAX: usize = 16;
/// How HTTP/2 begins when nothing was agreed before.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// What first bytes look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    /// HTTP/1.0 or 1.1.
    Http1,
    /// HTTP/2 with prior knowledge.
    Http2,
    /// Anything else.
    Other,
    /// Too little to tell.
    Unclear,
}

impl Speech {
    /// What these first bytes are.
    pub(super) fn of(bytes: &[u8]) -> Self {
        if bytes.len() >= PREFACE.len() && bytes.starts_with(PREFACE) {
            return Self::Http2;
        }
        let method = bytes.iter().take(METHOD_MAX).take_while(|byte| byte.is_ascii_uppercase()).count();
        // After the method comes a path, an asterisk or a whole address; other protocols have capital letters too.
        match (method, &bytes[method..]) {
            (_, []) if method < METHOD_MAX => Self::Unclear,
            (1.., [b' ']) => Self::Unclear,
            (1.., [b' ', b'*', ..]) if PREFACE.starts_with(bytes) => Self::Unclear,
            (1.., [b' ', b'/' | b'*' | b'h' | b'H', ..]) => Self::Http1,
            _ => Self::Other,
        }
    }
}

/// Listens to the client until it is clear what it speaks, it is done, or `until` has come.
///
/// # Errors
/// When the connection is broken.
pub(super) async fn listen<S: Stream>(client: &mut Heard<S>, until: Instant) -> io::Result<Speech> {
    loop {
        match Speech::of(client.said()) {
            Speech::Unclear => {}
            clear => return Ok(clear),
        }
        match timeout_at(until, client.listen()).await {
            Ok(heard) => {
                if heard? == 0 {
                    return Ok(Speech::Unclear);
                }
            }
            Err(_late) => return Ok(Speech::Unclear),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell() {
        let check = |bytes: &[u8], expected| assert_eq!(Speech::of(bytes), expected, "{bytes:?}");
        check(b"GET / HTTP/1.1", Speech::Http1);
        check(b"OPTIONS * HTTP/1.0", Speech::Http1);
        check(b"PROPFIND /dav", Speech::Http1);
        check(b"GET http://a/ HTTP/1.1", Speech::Http1);
        check(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Speech::Http2);
        check(b"PRI * HT", Speech::Unclear);
        check(b"", Speech::Unclear);
        check(b"POS", Speech::Unclear);
        check(b"POST ", Speech::Unclear);
        // Redis, NATS, TLS, memcached, and nonsense.
        check(b"GET key", Speech::Other);
        check(b"PING\r\n", Speech::Other);
        check(b"CONNECT {\"verbose\"", Speech::Other);
        check(b"\x16\x03\x01", Speech::Other);
        check(b"get /key\r\n", Speech::Other);
        check(b" /", Speech::Other);
        check(b"ABCDEFGHIJKLMNOPQRSTUVWX", Speech::Other);
    }
}
