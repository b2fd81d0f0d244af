//! Asks every node's service, at a high rate, from outside and with one clock, who acts as leader; and judges what
//! was seen. It asks the old one too, always.

use std::fmt;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two questions to one service.
const PACE: Duration = Duration::from_millis(2);

/// A service that takes longer does not count as answering.
const LIMIT: Duration = Duration::from_millis(250);

/// Asks a service once: `Some(epoch)` when it acts as leader, 0 where it knows no epochs.
pub type Ask = fn(SocketAddr) -> Option<u64>;

/// One answer of a service that acted as leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Who.
    pub node: String,
    /// When the question was sent: it acted at no earlier time.
    pub sent: Instant,
    /// When the answer was there: it acted at no later time.
    pub received: Instant,
    /// Under which epoch; 0 where the service knows none.
    pub epoch: u64,
}

/// Asks until it is told to stop.
#[derive(Debug)]
pub struct Observer {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Answer>>>,
    began: Instant,
}

/// Everything that was answered, in the order of `received`.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// When the questions began.
    pub began: Instant,
    /// The answers.
    pub answers: Vec<Answer>,
}

impl Observer {
    /// Asks each of these from a thread of its own.
    #[must_use]
    pub fn start(targets: Vec<(String, SocketAddr)>, ask: Ask) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let watch = |(node, target): (String, SocketAddr)| {
            let over = Arc::clone(&over);
            std::thread::spawn(move || watch(&node, target, ask, &over))
        };
        Self { threads: targets.into_iter().map(watch).collect(), over, began: Instant::now() }
    }

    /// Ends the questions.
    #[must_use]
    pub fn stop(self) -> Timeline {
        self.over.store(true, Ordering::Relaxed);
        let mut answers: Vec<_> = self.threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        answers.sort_by_key(|answer| answer.received);
        Timeline { began: self.began, answers }
    }
}

fn watch(node: &str, target: SocketAddr, ask: Ask, over: &AtomicBool) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let sent = Instant::now();
        if let Some(epoch) = ask(target) {
            answers.push(Answer { node: node.to_owned(), sent, received: Instant::now(), epoch });
        }
        std::thread::sleep(PACE.saturating_sub(sent.elapsed()));
    }
    answers
}

impl Timeline {
    /// Fails if anybody acted after a later leadership had been seen acting, or two under one epoch.
    ///
    /// An answer to a question *sent* after another's answer was *received* was given later, whatever the delays.
    pub fn check_one_leader(&self) {
        let found = self.overlaps();
        assert!(
            found.is_empty(),
            "two acted: {} answers, as\n{}",
            found.len(),
            found.iter().take(4).map(|(a, b)| self.tell(a, b)).collect::<String>()
        );
    }

    fn tell(&self, late: &Answer, newer: &Answer) -> String {
        let at = |instant: Instant| instant.saturating_duration_since(self.began);
        format!(
            "  {} epoch {} answered a question of {:?}, after {} epoch {} had answered at {:?}\n",
            late.node,
            late.epoch,
            at(late.sent),
            newer.node,
            newer.epoch,
            at(newer.received)
        )
    }

    /// Every answer that came too late, and the newer one that it came after.
    #[must_use]
    pub fn overlaps(&self) -> Vec<(&Answer, &Answer)> {
        let mut found = Vec::new();
        for (place, newer) in self.answers.iter().enumerate() {
            let newest =
                self.answers[..place].iter().all(|earlier| earlier.node != newer.node || earlier.epoch < newer.epoch);
            if newest {
                let later = self.answers[place..].iter().filter(|answer| answer.sent >= newer.received);
                found.extend(later.filter(|answer| self.is_older(answer, newer)).map(|late| (late, newer)));
            }
        }
        found
    }

    /// Whether `late`, given after `newer`, belongs to an earlier leadership, or to another under the same epoch.
    fn is_older(&self, late: &Answer, newer: &Answer) -> bool {
        if late.epoch > 0 || newer.epoch > 0 {
            return late.epoch < newer.epoch || late.epoch == newer.epoch && late.node != newer.node;
        }
        // Without epochs: whoever was there first and comes back after another has acted.
        let first = self.answers.iter().find(|answer| answer.node == late.node).expect("itself");
        late.node != newer.node && first.received <= newer.sent
    }

    /// The time by which the latest too late answer came too late: 0 is what is promised.
    #[must_use]
    pub fn overlap(&self) -> Duration {
        let late = self.overlaps().into_iter().map(|(late, newer)| late.received - newer.received);
        late.max().unwrap_or_default()
    }

    /// From a fault to the first answer to a question sent after it by anybody but `old`.
    #[must_use]
    pub fn outage(&self, fault: Instant, old: &str) -> Option<Duration> {
        let first = self.answers.iter().find(|answer| answer.node != old && answer.received > fault)?;
        Some(first.received - fault)
    }

    /// The longest time without an answer that began after `from`, and ended with one: seen by a client that asks
    /// everybody, or only the proxy.
    #[must_use]
    pub fn longest_gap(&self, from: Instant) -> Duration {
        let after = self.answers.iter().filter(|answer| answer.received >= from).map(|answer| answer.received);
        let mut last = from;
        let mut longest = Duration::ZERO;
        for at in after {
            longest = longest.max(at - last);
            last = at;
        }
        longest
    }

    /// The epochs seen, each once, in order of their first answer, with who acted.
    #[must_use]
    pub fn leaderships(&self) -> Vec<(u64, &str)> {
        let mut all: Vec<(u64, &str)> = Vec::new();
        for answer in &self.answers {
            let it = (answer.epoch, answer.node.as_str());
            if !all.contains(&it) {
                all.push(it);
            }
        }
        all
    }

    /// The last answer of a node.
    #[must_use]
    pub fn last_of(&self, node: &str) -> Option<&Answer> {
        self.answers.iter().rev().find(|answer| answer.node == node)
    }

    /// The first answer of a node.
    #[must_use]
    pub fn first_of(&self, node: &str) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.node == node)
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (epoch, node) in self.leaderships() {
            let its: Vec<_> = self.answers.iter().filter(|a| a.epoch == epoch && a.node == node).collect();
            let (first, last) = (its[0], its[its.len() - 1]);
            writeln!(f, "{node} epoch {epoch}: {:?} to {:?}", first.received - self.began, last.received - self.began)?;
        }
        Ok(())
    }
}

/// Connects, says something, and hands on what comes first.
fn talk(to: SocketAddr, words: &[u8], buffer: &mut [u8]) -> Option<usize> {
    let mut stream = TcpStream::connect_timeout(&to, LIMIT).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    stream.write_all(words).ok()?;
    stream.read(buffer).ok().filter(|length| *length > 0)
}

/// The built-in demo service: 200 and its epoch as leader.
#[must_use]
pub fn demo(to: SocketAddr) -> Option<u64> {
    let mut buffer = [0; 1024];
    let length = talk(to, b"GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n", &mut buffer)?;
    let text = std::str::from_utf8(&buffer[..length]).ok()?;
    if !text.starts_with("HTTP/1.1 200") {
        return None;
    }
    let (_, rest) = text.split_once("\"epoch\":")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The demo service, behind an address that may move: the number of the node that answers as leader.
#[must_use]
pub fn node_number(to: SocketAddr) -> Option<u64> {
    let mut buffer = [0; 1024];
    let length = talk(to, b"GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n", &mut buffer)?;
    let (_, rest) = std::str::from_utf8(&buffer[..length]).ok()?.split_once("\"node\":\"n")?;
    rest.split('"').next()?.parse().ok()
}

/// Any HTTP server: it acts when it answers.
#[must_use]
pub fn http(to: SocketAddr) -> Option<u64> {
    let mut buffer = [0; 64];
    let length = talk(to, b"GET / HTTP/1.0\r\n\r\n", &mut buffer)?;
    buffer[..length].starts_with(b"HTTP/1.").then_some(0)
}

/// Redis: it acts when it answers a ping.
#[must_use]
pub fn redis(to: SocketAddr) -> Option<u64> {
    let mut buffer = [0; 64];
    let length = talk(to, b"PING\r\n", &mut buffer)?;
    buffer[..length].starts_with(b"+PONG").then_some(0)
}

/// PostgreSQL: it acts when it answers a request for TLS.
#[must_use]
pub fn postgres(to: SocketAddr) -> Option<u64> {
    let mut buffer = [0; 8];
    let length = talk(to, &[0, 0, 0, 8, 4, 210, 22, 47], &mut buffer)?;
    matches!(buffer[..length].first(), Some(b'N' | b'S')).then_some(0)
}
