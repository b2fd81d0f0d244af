//! HTTP as strangers speak it: one connection a request, nothing believed, nothing waited for beyond a limit.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an agent may take to answer before it counts as not answering.
const LIMIT: Duration = Duration::from_secs(2);

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The head, as it came.
    pub head: String,
    /// The body.
    pub body: String,
}

/// `GET`; `None` when nobody answers.
#[must_use]
pub fn get(to: SocketAddr, path: &str) -> Option<Answer> {
    ask(to, &format!("GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n"), LIMIT).ok()
}

/// `POST` with a JSON body.
#[must_use]
pub fn post(to: SocketAddr, path: &str, body: &str) -> Option<Answer> {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nContent-Type: application/json\r\n");
    ask(to, &format!("{head}Content-Length: {length}\r\n\r\n{body}"), LIMIT).ok()
}

/// Sends these bytes and reads the answer to its end.
///
/// # Errors
/// When there is no connection, no answer in time, or no HTTP.
pub fn ask(to: SocketAddr, request: &str, limit: Duration) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&to, limit)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(request.as_bytes())?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    parse(&String::from_utf8_lossy(&text)).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

/// The same, of a server that keeps the connection open whatever it is asked: reads as far as the answer's head says.
///
/// # Errors
/// As [`ask`].
pub fn ask_keeper(to: SocketAddr, request: &str, limit: Duration) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&to, limit)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(request.as_bytes())?;
    let (mut text, mut piece) = (Vec::new(), [0; 16 * 1024]);
    while !is_whole(&text) {
        match stream.read(&mut piece)? {
            0 => break,
            more => text.extend_from_slice(&piece[..more]),
        }
    }
    parse(&String::from_utf8_lossy(&text)).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

/// Whether these bytes are an answer with all of the body that its head announces.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    length.is_some_and(|length: usize| bytes.len() >= end + 4 + length)
}

/// Asks for what never ends, `GET /stuck` of the lab's own service, and reads as far as it comes: the connection, and what
/// was heard on it.
///
/// # Panics
/// When there is no connection, or no beginning of an answer.
#[must_use]
pub fn stuck(to: SocketAddr) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(crate::CEILING)).unwrap();
    stream.write_all(b"GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(b"half") {
        let mut more = [0; 1024];
        let n = stream.read(&mut more).unwrap();
        heard.extend_from_slice(&more[..n]);
    }
    (stream, String::from_utf8_lossy(&heard).into_owned())
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunk(body) } else { body.to_owned() };
    Some(Answer { status, head: head.to_owned(), body })
}

fn unchunk(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((length, after)) = rest.split_once("\r\n") {
        let Some(chunk) = usize::from_str_radix(length, 16).ok().and_then(|length| after.get(..length)) else { break };
        body.push_str(chunk);
        rest = after.get(chunk.len() + 2..).unwrap_or_default();
    }
    body
}
