//! Clients of a proxy as they are in earnest: they keep their connections, ask at their own pace whatever happens, and
//! count every request that is not answered well. None is ever asked twice.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A client that waits longer has failed: longer than any proxy holds anybody.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is asked, and how often.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The method and the path.
    pub request: &'static str,
    /// How many clients, each with a connection of its own.
    pub clients: usize,
    /// Between two requests of one client, answered or not.
    pub pace: Duration,
}

/// Clients that ask until they are told to stop.
#[derive(Debug)]
pub struct Load {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Outcome>>,
}

/// What became of all requests.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How many were answered with 200.
    pub answered: usize,
    /// What became of each other.
    pub failed: Vec<String>,
    /// The longest that any took, from when it was due.
    pub longest: Duration,
    /// The bodies that came, without repetitions one after the other.
    pub bodies: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered, {} failed, the longest took {:?}", self.answered, self.failed.len(), self.longest)
    }
}

impl Load {
    /// Clients of all these proxies, in turn.
    #[must_use]
    pub fn start(proxies: &[SocketAddr], asks: &[Ask]) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let each = asks.iter().flat_map(|ask| std::iter::repeat_n(ask, ask.clients));
        let threads = each.zip(proxies.iter().cycle()).map(|(ask, proxy)| {
            let (ask, proxy, over) = (ask.clone(), *proxy, Arc::clone(&over));
            std::thread::spawn(move || client(&ask, proxy, &over))
        });
        let threads = threads.collect();
        Self { over, threads }
    }

    /// Lets every request that is under way end.
    ///
    /// # Panics
    /// When a client has.
    #[must_use]
    pub fn stop(self) -> Outcome {
        self.over.store(true, Ordering::Relaxed);
        let mut all = Outcome::default();
        for thread in self.threads {
            let one = thread.join().expect("a client does not panic");
            all.answered += one.answered;
            all.failed.extend(one.failed);
            all.longest = all.longest.max(one.longest);
            all.bodies.extend(one.bodies);
        }
        all
    }
}

fn client(ask: &Ask, proxy: SocketAddr, over: &AtomicBool) -> Outcome {
    let mut outcome = Outcome::default();
    let mut connection = None;
    let mut due = Instant::now();
    while !over.load(Ordering::Relaxed) {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        match exchange(&mut connection, proxy, ask.request) {
            Ok((200, body)) => {
                outcome.answered += 1;
                if outcome.bodies.last() != Some(&body) {
                    outcome.bodies.push(body);
                }
            }
            Ok((status, body)) => outcome.failed.push(format!("{}: {status} {body}", ask.request)),
            Err(why) => {
                outcome.failed.push(format!("{}: {why}", ask.request));
                connection = None;
            }
        }
        outcome.longest = outcome.longest.max(due.elapsed());
        due += ask.pace;
    }
    outcome
}

fn exchange(connection: &mut Option<TcpStream>, proxy: SocketAddr, request: &str) -> io::Result<(u16, String)> {
    let stream = match connection {
        Some(stream) => stream,
        None => connection.insert(connect(proxy)?),
    };
    stream.write_all(format!("{request} HTTP/1.1\r\nHost: {proxy}\r\nContent-Length: 0\r\n\r\n").as_bytes())?;
    let mut heard = Vec::new();
    loop {
        if let Some(answer) = whole(&heard) {
            return Ok(answer);
        }
        let mut more = [0; 4096];
        match stream.read(&mut more)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => heard.extend_from_slice(&more[..n]),
        }
    }
}

fn connect(proxy: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&proxy, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Status and body of an answer that says how long it is.
fn whole(heard: &[u8]) -> Option<(u16, String)> {
    let text = std::str::from_utf8(heard).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let head = head.to_ascii_lowercase();
    let length: usize = head.split("content-length: ").nth(1)?.lines().next()?.trim().parse().ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    (body.len() >= length).then(|| (status, body.to_owned()))
}
