//! Two registers on the host outside, to which the services of a group write as long as they act: one is fenced and takes
//! nothing under an epoch smaller than the newest it has taken, the other takes everything.
//!
//! A write is a line, `EPOCH NODE NUMBER WHEN`, and is answered with `ok` or `refused`. `WHEN` is the writer's reading of
//! the kernel's wall clock, in nanoseconds: no library lies about it, all hosts of the laboratory share it, and it tells
//! what was *done* too late from what was only *delivered* too late.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::history::{Act, History, now};

/// The longest line a writer may send: two numbers of twenty digits, a name, and a count.
const LINE_MAX: u64 = 160;

/// See the module. Dropped, they take nothing more.
#[derive(Debug)]
pub struct Registers {
    fenced: Register,
    open: Register,
}

#[derive(Debug)]
struct Register {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    taken: Arc<Mutex<Taken>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Taken {
    fenced: bool,
    newest: u64,
    acts: Vec<Act>,
}

impl Registers {
    /// Both, at free ports of this address of the calling thread's host.
    #[must_use]
    pub fn start(at: IpAddr) -> Self {
        Self { fenced: Register::start(at, true), open: Register::start(at, false) }
    }

    /// Where the fenced one is.
    #[must_use]
    pub fn fenced(&self) -> SocketAddr {
        self.fenced.address
    }

    /// Where the other one is.
    #[must_use]
    pub fn open(&self) -> SocketAddr {
        self.open.address
    }

    /// What has been written so far to the fenced one, what it refused included.
    #[must_use]
    pub fn fenced_history(&self) -> History {
        self.fenced.history()
    }

    /// What has been written so far to the one that takes everything.
    #[must_use]
    pub fn history(&self) -> History {
        self.open.history()
    }

    /// Fails if somebody acted after one of a later epoch had begun, or if a fence was passed; what was seen.
    pub fn check(&self) -> History {
        let (fenced, open) = (self.fenced_history(), self.history());
        for history in [&fenced, &open] {
            assert!(!history.acts.is_empty(), "nobody has written");
            assert_eq!(history.overlap(), Duration::ZERO, "two acted at once: {:#?}", history.tenures());
        }
        // What the simulator promises of its own runs.
        let judged = hotseat_sim::replay(&fenced.text());
        judged.unwrap_or_else(|broken| panic!("{} is broken: {}", broken.invariant, broken.what));
        open
    }
}

impl Register {
    fn start(at: IpAddr, fenced: bool) -> Self {
        let listener = TcpListener::bind((at, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (over, taken) = (Arc::<AtomicBool>::default(), Arc::new(Mutex::new(Taken { fenced, ..Taken::default() })));
        let (until, shared) = (Arc::clone(&over), Arc::clone(&taken));
        let thread = std::thread::spawn(move || serve(&listener, &until, &shared));
        Self { address, over, taken, thread: Some(thread) }
    }

    fn history(&self) -> History {
        History { acts: self.taken.lock().unwrap_or_else(PoisonError::into_inner).acts.clone() }
    }
}

impl Drop for Register {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // The listener looks up when somebody comes.
        drop(TcpStream::connect(self.address));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn serve(listener: &TcpListener, over: &AtomicBool, taken: &Arc<Mutex<Taken>>) {
    for stream in listener.incoming() {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let taken = Arc::clone(taken);
        // It ends with the writer's connection, which ends with the writer.
        std::thread::spawn(move || take_all(&stream, &taken));
    }
}

fn take_all(stream: &TcpStream, taken: &Mutex<Taken>) {
    let _ = stream.set_nodelay(true);
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    while matches!(lines.by_ref().take(LINE_MAX).read_line(&mut line), Ok(1..)) {
        let Some(act) = Act::parse(line.trim_end()) else { return };
        let fine = taken.lock().unwrap_or_else(PoisonError::into_inner).take(act);
        let answer: &[u8] = if fine { b"ok\n" } else { b"refused\n" };
        if (&mut &*stream).write_all(answer).is_err() {
            return;
        }
        line.clear();
    }
}

impl Taken {
    fn take(&mut self, mut act: Act) -> bool {
        act.arrived = now();
        act.accepted = !self.fenced || act.epoch >= self.newest;
        if act.accepted {
            self.newest = self.newest.max(act.epoch);
        }
        let accepted = act.accepted;
        self.acts.push(act);
        accepted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(to: SocketAddr, line: &str) -> String {
        let mut stream = TcpStream::connect(to).unwrap();
        stream.write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        answer
    }

    #[test]
    fn only_the_fenced_one_refuses() {
        let registers = Registers::start([127, 0, 0, 1].into());
        for (line, fenced) in [("2 a 1 10\n", "ok\n"), ("1 b 1 11\n", "refused\n"), ("2 a 2 12\n", "ok\n"), ("x\n", "")]
        {
            assert_eq!(write(registers.fenced(), line), fenced, "{line}");
            assert_eq!(write(registers.open(), line), if fenced.is_empty() { "" } else { "ok\n" }, "{line}");
        }
        let accepted: Vec<_> = registers.fenced_history().acts.iter().map(|act| act.accepted).collect();
        assert_eq!(accepted, [true, false, true]);
    }
}
