//! Wires that are slow: what passes from one host to another comes late, each frame by another time, so out of order,
//! and some of it twice. The bridge drops those pairs, and a relay in its namespace carries them by hand.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Host, Net, host};
use crate::program;

const RELAY: &str = include_str!("relay.py");

/// How slow a wire is, in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// How much later everything comes.
    pub delay: Duration,
    /// By how much more or less than that, each frame by another time.
    pub jitter: Duration,
    /// How many of a hundred frames come twice.
    pub duplicates: u32,
}

/// Whether wires can be made slow here; says what is missing if not.
#[must_use]
pub fn possible() -> bool {
    super::possible() && program::have("python3", "python3")
}

/// The relay of one net; started when something is to be slow. Dropped, it is gone.
#[derive(Default)]
pub(super) struct Relay(Mutex<Option<Running>>);

struct Running {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Net {
    /// From now on this is how it goes from the first host to the second; the other way is as it was.
    pub fn slow(&self, from: usize, to: usize, way: Way) -> Instant {
        let millis = |time: Duration| time.as_secs_f64() * 1000.0;
        let (delay, jitter) = (millis(way.delay), millis(way.jitter));
        self.relay.tell(self, &format!("p{from} p{to} {delay} {jitter} {}\n", way.duplicates));
        self.cut_one_way(&[from], &[to])
    }

    /// All ways between these hosts, both directions of each.
    pub fn slow_all(&self, hosts: &[usize], way: Way) -> Instant {
        for (from, to) in hosts.iter().flat_map(|from| hosts.iter().map(move |to| (*from, *to))) {
            if from != to {
                self.slow(from, to, way);
            }
        }
        Instant::now()
    }
}

impl Relay {
    fn tell(&self, net: &Net, order: &str) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.get_or_insert_with(|| Running::start(net)).tell(order);
    }

    /// Nothing is carried by hand any more.
    pub(super) fn clear(&self) {
        if let Some(running) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            running.tell("clear\n");
        }
    }
}

fn python(words: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.args(["-I", "-c", RELAY]).args(words);
    command
}

impl Running {
    fn start(net: &Net) -> Self {
        net.hosts.iter().chain([&net.outside]).for_each(plain);
        let mut command = python(&["relay"]);
        let mut child =
            net.switch.spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped())).expect("python3 can be started");
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, orders, answers }
    }

    /// Returns when the order is in force.
    fn tell(&mut self, order: &str) {
        let orders = self.orders.as_mut().expect("open until it is dropped");
        orders.write_all(order.as_bytes()).expect("the relay lives");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the relay answers in text");
        assert_eq!(answer, "done\n", "the relay takes \"{}\"", order.trim_end());
    }
}

fn plain(at: &Host) {
    at.within(|| host::feed(&mut python(&["plain", "eth0"]), ""));
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.orders.take());
        drop(self.child.wait());
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Relay")
    }
}
