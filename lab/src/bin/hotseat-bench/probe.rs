//! Asks every node's service directly, a thousand times a second, over connections that are kept: who acts as leader.
//!
//! A question to a frozen process stays open until it is answered or its connection ends, so that no answer of a
//! thawed leader is missed. It never judges.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two questions to one service.
pub(crate) const PACE: Duration = Duration::from_millis(1);

/// A question that is not answered looks this often whether the trial is over.
const LOOK_UP: Duration = Duration::from_millis(100);

/// What observes must not wait behind what is observed. Without the right to it, it may.
const NICE: i32 = -15;

/// One answer of a service that acted as leader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) sent: Instant,
    pub(crate) received: Instant,
    pub(crate) epoch: u64,
}

/// Asks until it is stopped.
pub(crate) struct Probe {
    over: Arc<AtomicBool>,
    newest: Arc<AtomicU64>,
    threads: Vec<JoinHandle<Vec<Answer>>>,
}

impl Probe {
    pub(crate) fn start(targets: impl Iterator<Item = SocketAddr>) -> Self {
        let (over, newest) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let threads = targets.map(|target| {
            let (over, newest) = (Arc::clone(&over), Arc::clone(&newest));
            std::thread::spawn(move || {
                observe_first();
                ask_on(target, &over, &newest)
            })
        });
        Self { threads: threads.collect(), over, newest }
    }

    /// The newest epoch that anybody has answered with.
    pub(crate) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Relaxed)
    }

    /// Everything that was answered, in order of arrival.
    pub(crate) fn stop(self) -> Vec<Answer> {
        self.over.store(true, Ordering::Relaxed);
        let mut answers: Vec<_> = self.threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        answers.sort_by_key(|answer| answer.received);
        answers
    }
}

/// Puts the calling thread, and no other, before ordinary processes.
pub(crate) fn observe_first() {
    let _ = rustix::process::setpriority_process(None, NICE);
}

fn ask_on(target: SocketAddr, over: &AtomicBool, newest: &AtomicU64) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut kept = None;
    while !over.load(Ordering::Relaxed) {
        let sent = Instant::now();
        if let Some(epoch) = ask(&mut kept, target, over) {
            answers.push(Answer { sent, received: Instant::now(), epoch });
            newest.fetch_max(epoch, Ordering::Relaxed);
        }
        std::thread::sleep(PACE.saturating_sub(sent.elapsed()));
    }
    answers
}

fn ask(kept: &mut Option<TcpStream>, target: SocketAddr, over: &AtomicBool) -> Option<u64> {
    let mut stream = match kept.take() {
        Some(stream) => stream,
        None => connect(target)?,
    };
    stream.write_all(b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n").ok()?;
    let mut buffer = [0; 1024];
    let text = read(&mut stream, &mut buffer, over)?;
    *kept = Some(stream);
    epoch(text)
}

fn connect(target: SocketAddr) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&target, LOOK_UP).ok()?;
    stream.set_nodelay(true).ok()?;
    stream.set_read_timeout(Some(LOOK_UP)).ok()?;
    Some(stream)
}

/// One complete answer. `None` once the connection is at its end, or everything is over.
fn read<'a>(stream: &mut TcpStream, buffer: &'a mut [u8], over: &AtomicBool) -> Option<&'a str> {
    let mut length = 0;
    loop {
        match stream.read(&mut buffer[length..]) {
            Ok(0) => return None,
            Ok(more) => length += more,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock && !over.load(Ordering::Relaxed) => continue,
            Err(_) => return None,
        }
        if complete(std::str::from_utf8(&buffer[..length]).ok()?) {
            return std::str::from_utf8(&buffer[..length]).ok();
        }
    }
}

fn complete(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    length.is_none_or(|length| body.len() >= length)
}

/// The epoch in a leader's answer; `None` for a standby's.
pub(crate) fn epoch(text: &str) -> Option<u64> {
    let (_, rest) = text.strip_prefix("HTTP/1.1 200")?.split_once("\"epoch\":")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
