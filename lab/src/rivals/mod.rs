//! Hotseat and what else does its work, side by side: the same hosts, the same service, the same client outside, the same
//! faults, in the same run. What a rival does is measured as it is, with the settings that its own documentation gives.
//!
//! ```text
//!  settled ── client asks every node ── random phase ── strike ── another one answers, or a while ── ease ── tail ── mended
//! ```
//! The old node is asked too, always, and after the fault is eased as well: whoever acts beside the new one is seen.

mod contest;
mod etcd;
mod fault;
mod hotseat;
mod keepalived;
mod swap;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::inject::Injected;
use crate::net::{self, Host, Net, address};
use crate::processes::{self, MARK, signal};
use crate::{CEILING, poll, program};

pub use contest::{Plan, Result, Seen, TAIL, contest};
use fault::Blow;
pub use fault::{Changes, Fault};
pub use swap::{Round, swap};

/// Nodes of every contestant.
pub const NODES: usize = 3;

/// Between two looks at who answers.
const LOOKS_APART: Duration = Duration::from_millis(100);

/// Where every service answers.
const PORT: u16 = 9100;

/// Who takes part. Each runs on a thread of its own, on the host outside of its nodes. Nodes are numbers from 1.
trait Contestant {
    /// The hosts of its nodes.
    fn net(&self) -> &Net;
    /// Where clients find the leader without knowing who it is, if anywhere.
    fn follows(&self) -> Option<SocketAddr> {
        None
    }
    /// Waits until one node leads and the others are ready; which.
    fn settle(&mut self) -> usize;
    /// Who leads the log, where there is one and somebody does.
    fn log_leader(&self, _leader: usize) -> Option<usize> {
        None
    }
    /// Asks for a change of either lead, so that one node may have both, or not.
    fn align(&self, _leader: usize, _log: usize, _together: bool) {}
    /// Strikes what keeps the service of a node available; when that was complete, or begun if it is orderly.
    fn strike(&self, blow: Blow, node: usize) -> Instant;
    /// Lets stopped processes go on.
    fn go_on(&self, node: usize);
    /// Switches a host off, as far as anybody else can see.
    fn unplug(&self, node: usize) -> Instant {
        self.net().unplug(node)
    }
    /// Undoes everything that was done to the wires.
    fn heal(&self) {
        (1..=NODES).for_each(|node| _ = self.net().plug(node));
        self.net().heal();
    }
    /// From now on each fsync of a node takes so long, where it has any.
    fn stall(&self, _node: usize, _delay: Duration) -> Option<Injected> {
        None
    }
    /// Does what an operator would do afterwards.
    fn mend(&mut self, fault: Fault, leader: usize);
}

/// Who can take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Hotseat, with this timing.
    Hotseat(&'static str),
    /// `etcdctl lock` on three etcd, with a ttl of two seconds, the shortest that holds.
    Etcd,
    /// keepalived, with an advertisement each so many milliseconds.
    Keepalived(u32),
}

impl System {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Hotseat("fast"), Self::Hotseat("lan"), Self::Etcd, Self::Keepalived(100), Self::Keepalived(1000)];

    /// For `--system`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hotseat(_) => "hotseat",
            Self::Etcd => "etcd",
            Self::Keepalived(_) => "keepalived",
        }
    }

    /// For people.
    #[must_use]
    pub fn title(self) -> String {
        match self {
            Self::Hotseat("fast") => String::from("**hotseat**, ttl 500 ms"),
            Self::Hotseat("lan") => String::from("**hotseat**, ttl 2 s"),
            Self::Hotseat(timing) => format!("**hotseat**, {timing}"),
            Self::Etcd => String::from("`etcdctl lock`, ttl 2 s"),
            Self::Keepalived(millis) => format!("keepalived, advert {} s", f64::from(millis) / 1000.0),
        }
    }

    /// How long it takes to believe that a node is lost, about.
    fn lease(self) -> Duration {
        match self {
            Self::Hotseat("fast") => Duration::from_millis(500),
            Self::Hotseat(_) | Self::Etcd => Duration::from_secs(2),
            Self::Keepalived(millis) => 3 * Duration::from_millis(millis.into()),
        }
    }

    /// Between two signs of life: the moment of a fault is drawn from it.
    fn interval(self) -> Duration {
        match self {
            Self::Hotseat(_) => self.lease() / 6,
            Self::Etcd | Self::Keepalived(_) => self.lease() / 3,
        }
    }

    /// Whether it is installed; says what is missing if not.
    #[must_use]
    pub fn possible(self) -> bool {
        let there = match self {
            Self::Hotseat(_) => true,
            Self::Etcd => program::have("etcd", "etcd-server") && program::have("etcdctl", "etcd-client"),
            Self::Keepalived(_) => program::have("keepalived", "keepalived"),
        };
        there && net::possible()
    }

    fn start(self, store: crate::spec::Store) -> Box<dyn Contestant> {
        match self {
            Self::Hotseat(timing) => Box::new(hotseat::Hotseat::start(timing, store)),
            Self::Etcd => Box::new(etcd::Etcd::start()),
            Self::Keepalived(millis) => Box::new(keepalived::Keepalived::start(millis)),
        }
    }
}

/// Where the service of a node answers.
fn service(number: usize) -> SocketAddr {
    SocketAddr::new(address(number), PORT)
}

/// A program on a node's host that is not ours. Dropped, it and all that it has started are dead.
#[derive(Debug)]
pub(crate) struct Foreign {
    child: Child,
    mark: String,
    home: std::path::PathBuf,
    /// What runs there now is another's.
    over: bool,
}

impl Foreign {
    pub(crate) fn start(host: &Host, mark: &str, home: &Path, command: &mut Command) -> Self {
        Self::start_by(mark, home, command, |command| host.spawn(command))
    }

    /// On this very host.
    pub(crate) fn here(mark: &str, home: &Path, command: &mut Command) -> Self {
        Self::start_by(mark, home, command, Command::spawn)
    }

    fn start_by(
        mark: &str,
        home: &Path,
        command: &mut Command,
        spawn: impl FnOnce(&mut Command) -> std::io::Result<Child>,
    ) -> Self {
        let log = std::fs::File::options().create(true).append(true).open(home.join("log")).unwrap();
        command.env(MARK, mark).current_dir(home).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = spawn(command).unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, mark: mark.to_owned(), home: home.to_owned(), over: false }
    }

    /// Its living processes with this short name, which the kernel cuts at fifteen bytes.
    pub(crate) fn named(&self, comm: &str) -> Vec<i32> {
        let all = processes::of(&self.mark, &self.home).into_iter();
        all.filter(|process| process.comm == comm[..comm.len().min(15)]).map(|process| process.pid).collect()
    }

    pub(crate) fn signal(&self, comm: &str, what: Signal) -> Instant {
        let pids = self.named(comm);
        assert!(!pids.is_empty(), "no {comm} of {}", self.mark);
        // Children first: one that outlives its parent for a moment might still put things in order.
        pids.into_iter().rev().for_each(|pid| signal(pid, what));
        Instant::now()
    }

    /// Kills all of it.
    fn end(&mut self) {
        let gone = || {
            let left = processes::of(&self.mark, &self.home);
            left.iter().for_each(|process| signal(process.pid, Signal::KILL));
            left.is_empty().then_some(())
        };
        drop(self.child.kill());
        drop(self.child.wait());
        poll(CEILING, gone).expect("it dies");
        self.over = true;
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        if !self.over {
            self.end();
        }
    }
}

/// Waits until exactly one of all services answers as leader, twice with a pause in between; its number.
fn one_answers(limit: Duration, ready: impl Fn() -> bool) -> Option<usize> {
    poll(limit, || {
        let before = acting();
        // Also what keeps the looks at all processes from being what the machine does.
        std::thread::sleep(LOOKS_APART);
        (before.len() == 1 && before == acting() && ready()).then(|| before[0])
    })
}

/// Whose services answer as leader now.
fn acting() -> Vec<usize> {
    (1..=NODES).filter(|number| crate::observer::demo(service(*number)).is_some()).collect()
}

/// The words that start the laboratory's service on a node, after its own path.
fn service_words(number: usize, at: IpAddr, registers: &crate::Registers) -> Vec<String> {
    let words = [
        ("--listen", SocketAddr::new(at, PORT).to_string()),
        ("--fenced", registers.fenced().to_string()),
        ("--open", registers.open().to_string()),
        ("--node", format!("n{number}")),
    ];
    words.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
}

/// The hosts, with this thread outside of them.
fn hosts() -> Net {
    let mut net = Net::new(NODES);
    net.step_outside();
    net
}
