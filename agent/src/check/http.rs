//! One `GET`, with nothing left to the other side: neither time, nor memory, nor where to go next.
//!
//! It never follows a redirect, never uses a proxy of the environment, never keeps a connection.
//!
//! It is made of `hyper` and not of `reqwest`, because `reqwest` reads up to 400 KiB of headers and
//! parses them anew with every packet: seconds of CPU for a server that sends them one by one.

use super::{no_answer, reason};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::future::{pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time;

/// So much of a head is read; no sane one is longer.
const HEAD_MAX: usize = 16 * 1024;
/// So much of a body is read: enough to see that it comes, and what it says.
const BODY_MAX: usize = 4096;
/// So much of what it says is repeated.
const WORDS_MAX: usize = 100;
const USER_AGENT: &str = concat!("hotseat/", env!("CARGO_PKG_VERSION"));

/// `GET`s a path: ok is 200 to 399, with as much of a body as is read.
pub(super) async fn ask(path: &str, target: SocketAddr, timeout: Duration) -> Result<String, String> {
    let mut status = None;
    match time::timeout(timeout, talk(path, target, &mut status)).await {
        Ok(verdict) => verdict,
        Err(_elapsed) => Err(match status {
            Some(status) => format!("GET {path} → {status}, but no end within {timeout:?}"),
            None => no_answer(timeout),
        }),
    }
}

/// Leaves the status where it is found if the body does not end in time.
async fn talk(path: &str, target: SocketAddr, status: &mut Option<u16>) -> Result<String, String> {
    let stream = TcpStream::connect(target).await.map_err(|why| format!("connect: {}", reason(&why)))?;
    let mut settings = http1::Builder::new();
    settings.max_buf_size(HEAD_MAX);
    let (sender, connection) = settings.handshake(TokioIo::new(stream)).await.map_err(|why| root(&why))?;
    tokio::select! {
        verdict = exchange(path, target, sender, status) => verdict,
        // What goes wrong with the connection, the exchange is told.
        never = drive(connection) => never,
    }
}

/// Moves the connection's bytes while somebody else talks. It ends when it is dropped.
async fn drive(connection: Connection<TokioIo<TcpStream>, String>) -> Result<String, String> {
    let _told = connection.await;
    pending().await
}

async fn exchange(
    path: &str,
    target: SocketAddr,
    mut sender: SendRequest<String>,
    status: &mut Option<u16>,
) -> Result<String, String> {
    let failed = |why: &(dyn Error + 'static)| format!("GET {path}: {}", root(why));
    let request = request(path, target).map_err(|why| failed(&why))?;
    let response = sender.send_request(request).await.map_err(|why| failed(&why))?;
    let code = response.status().as_u16();
    *status = Some(code);
    let body = body(response).await.map_err(|why| format!("GET {path} → {code}, then {}", root(&why)))?;
    let line = format!("GET {path} → {code}");
    if (200..400).contains(&code) { Ok(line) } else { Err(line + &words(&body)) }
}

fn request(path: &str, target: SocketAddr) -> Result<Request<String>, hyper::http::Error> {
    Request::get(path)
        .header(header::HOST, target.to_string())
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, "close")
        .body(String::new())
}

async fn body(response: Response<Incoming>) -> hyper::Result<Vec<u8>> {
    let mut incoming = response.into_body();
    let mut body = Vec::new();
    while body.len() < BODY_MAX {
        let Some(frame) = poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await else { break };
        if let Some(data) = frame?.data_ref() {
            body.extend_from_slice(&data[..data.len().min(BODY_MAX - body.len())]);
        }
    }
    Ok(body)
}

/// The innermost reason: the outer ones only say that there was a request.
fn root(mut why: &(dyn Error + 'static)) -> String {
    while let Some(inner) = why.source() {
        why = inner;
    }
    why.downcast_ref::<io::Error>().map_or_else(|| why.to_string(), reason)
}

/// What an unwell service says of itself: its first line, if that is text.
fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.trim_start().lines().next().unwrap_or("");
    let plain: String = line.chars().filter(|c| !c.is_control()).take(WORDS_MAX).collect();
    if plain.is_empty() { plain } else { format!(": {plain}") }
}
