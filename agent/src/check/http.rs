//! One `GET`, with nothing left to the other side: neither time, nor memory, nor where to go next.
//!
//! It never follows a redirect, never uses a proxy of the environment, never keeps a connection.

use super::{no_answer, reason};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, header};
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::time;

/// So much of a body is read: enough to see that it comes, and what it says.
const BODY_MAX: usize = 4096;
/// So much of what it says is repeated.
const WORDS_MAX: usize = 100;

/// Settings only: with no idle connection kept, each request has its own.
static CLIENT: LazyLock<reqwest::Result<Client>> = LazyLock::new(|| {
    let agent = concat!("hotseat/", env!("CARGO_PKG_VERSION"));
    Client::builder().user_agent(agent).redirect(Policy::none()).no_proxy().pool_max_idle_per_host(0).build()
});

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
    let client = CLIENT.as_ref().map_err(root)?;
    let request = client.get(format!("http://{target}{path}")).header(header::CONNECTION, "close");
    let response = request.send().await.map_err(|why| failure(path, &why))?;
    let code = response.status().as_u16();
    *status = Some(code);
    let body = body(response).await.map_err(|why| format!("GET {path} → {code}, then {}", root(&why)))?;
    let line = format!("GET {path} → {code}");
    match (200..400).contains(&code) {
        true => Ok(line),
        false => Err(line + &words(&body)),
    }
}

async fn body(mut response: Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while body.len() < BODY_MAX {
        match response.chunk().await? {
            Some(chunk) => body.extend_from_slice(&chunk[..chunk.len().min(BODY_MAX - body.len())]),
            None => break,
        }
    }
    Ok(body)
}

fn failure(path: &str, why: &reqwest::Error) -> String {
    if why.is_connect() { format!("connect: {}", root(why)) } else { format!("GET {path}: {}", root(why)) }
}

/// The innermost reason: the outer ones only say that there was a request.
fn root(why: &reqwest::Error) -> String {
    let mut why: &(dyn Error + 'static) = why;
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
