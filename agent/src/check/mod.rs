//! Asks a service, over the network, whether it is well: once, within a time limit.
//!
//! It never decides anything: how often to ask and how many failures count is `core`'s business. It
//! never starts a process: commands are run by the guard, the parent of everything that runs.

mod http;

use crate::config::Check;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the service is well.
    pub ok: bool,
    /// What was seen, for people: one short line.
    pub detail: String,
    /// How long it took.
    pub took: Duration,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.detail, self.took)
    }
}

/// Asks once. The answer comes within `timeout`, whatever the other side does.
///
/// Every question has a connection of its own: one that was opened earlier may still be served by a
/// process that no longer accepts anybody, and a client that comes now is what the check stands for.
///
/// [`Check::Command`] and [`Check::Alive`] are not asked here; the verdict says so and is not ok.
pub async fn run(check: &Check, target: SocketAddr, timeout: Duration) -> Verdict {
    let start = Instant::now();
    let seen = match check {
        Check::Http { path } => http::ask(path, target, timeout).await,
        Check::Tcp => knock(target, timeout).await,
        Check::Command(_) | Check::Alive => Err("run by the guard".to_owned()),
    };
    let (ok, detail) = seen.map_or_else(|why| (false, why), |what| (true, what));
    Verdict { ok, detail, took: start.elapsed() }
}

async fn knock(target: SocketAddr, timeout: Duration) -> Result<String, String> {
    match time::timeout(timeout, TcpStream::connect(target)).await {
        Ok(Ok(_)) => Ok("accepts connections".to_owned()),
        Ok(Err(why)) => Err(format!("connect: {}", reason(&why))),
        Err(_elapsed) => Err(no_answer(timeout)),
    }
}

fn no_answer(timeout: Duration) -> String {
    format!("no answer within {timeout:?}")
}

/// `connection refused`, without the number of the error.
fn reason(why: &io::Error) -> String {
    match why.kind() {
        io::ErrorKind::Other => why.to_string(),
        kind => kind.to_string(),
    }
}
