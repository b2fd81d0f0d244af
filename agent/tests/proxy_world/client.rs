//! Clients.

use super::PATIENCE;
use hyper::body::{Body, Bytes, Frame};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub struct Client {
    stream: TcpStream,
    heard: Vec<u8>,
}

#[derive(Debug)]
pub struct Answer {
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn has(&self, line: &str) -> bool {
        self.head.to_lowercase().contains(&format!("\r\n{line}\r\n"))
    }
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), heard: Vec::new() }
    }

    pub async fn say(&mut self, words: &str) {
        timeout(PATIENCE, self.stream.write_all(words.as_bytes())).await.unwrap().unwrap();
    }

    pub async fn ask(&mut self, request: &str) -> Answer {
        self.say(request).await;
        self.hear().await
    }

    /// Says and hears at the same time: needed where both are long.
    pub async fn exchange(&mut self, request: &str) -> Answer {
        let (mut reader, mut writer) = self.stream.split();
        let writing = async { writer.write_all(request.as_bytes()).await.unwrap() };
        let heard = &mut self.heard;
        let reading = async {
            while parse(heard).is_none() {
                assert!(reader.read_buf(heard).await.unwrap() > 0);
            }
        };
        timeout(PATIENCE, async { tokio::join!(writing, reading) }).await.unwrap();
        self.hear().await
    }

    pub async fn hear(&mut self) -> Answer {
        self.hear_any().await.unwrap()
    }

    /// The next whole answer, if there is one.
    pub async fn hear_any(&mut self) -> io::Result<Answer> {
        loop {
            if let Some((answer, len)) = parse(&self.heard) {
                self.heard.drain(..len);
                return Ok(answer);
            }
            if self.more().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// All up to and with `mark`.
    pub async fn hear_until(&mut self, mark: &str) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.heard).into_owned();
            if let Some(at) = text.find(mark) {
                self.heard.drain(..at + mark.len());
                return text[..at + mark.len()].to_owned();
            }
            assert!(self.more().await.unwrap() > 0, "it ended: {text:?}");
        }
    }

    async fn more(&mut self) -> io::Result<usize> {
        timeout(PATIENCE, self.stream.read_buf(&mut self.heard)).await.unwrap()
    }

    /// Whether the connection ends, and not in an orderly way.
    pub async fn ends_by_reset(&mut self) -> bool {
        loop {
            match self.more().await {
                Ok(0) => return false,
                Ok(_) => {}
                Err(why) => return why.kind() == io::ErrorKind::ConnectionReset,
            }
        }
    }

    /// Whether the connection ends.
    pub async fn ends(&mut self) -> bool {
        while self.more().await.is_ok_and(|n| n > 0) {}
        true
    }

    pub async fn http2(address: SocketAddr) -> http2::SendRequest<Nothing> {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    }
}

/// A head and a body of a known length, or of chunks; and how many bytes that is.
fn parse(heard: &[u8]) -> Option<(Answer, usize)> {
    let text = String::from_utf8_lossy(heard);
    let at = text.find("\r\n\r\n")? + 4;
    let head = text[..at].to_owned();
    let lower = head.to_lowercase();
    if lower.contains("transfer-encoding: chunked") {
        let end = text[at..].find("0\r\n\r\n")? + 5;
        return Some((Answer { head, body: text[at..at + end].to_owned() }, at + end));
    }
    let length = lower.split("content-length: ").nth(1).map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
    let body = text.get(at..at + length)?.to_owned();
    Some((Answer { head, body }, at + length))
}

/// A body that is empty.
pub struct Nothing;

impl Body for Nothing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}

/// Asks over HTTP/2: status, body, and the trailer `grpc-status`.
pub async fn ask2(
    client: &mut http2::SendRequest<Nothing>,
    method: &str,
    kind: Option<&str>,
) -> (u16, String, Option<String>) {
    let mut request = hyper::Request::builder().method(method).uri("http://shop.test/a");
    if let Some(kind) = kind {
        request = request.header("content-type", kind);
    }
    let asking = client.send_request(request.body(Nothing).unwrap());
    let mut response = timeout(PATIENCE, asking).await.unwrap().unwrap();
    let (mut body, mut trailer) = (String::new(), None);
    while let Some(frame) = poll_fn(|cx| Pin::new(response.body_mut()).poll_frame(cx)).await {
        match frame.unwrap().into_data() {
            Ok(data) => body.push_str(std::str::from_utf8(&data).unwrap()),
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap();
                trailer = trailers.get("grpc-status").map(|value| value.to_str().unwrap().to_owned());
            }
        }
    }
    (response.status().as_u16(), body, trailer)
}
