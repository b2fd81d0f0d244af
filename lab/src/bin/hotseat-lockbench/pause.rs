//! Pauses whoever holds the lock.

use std::fs;
use std::time::Duration;

use hotseat_lab::processes::{numbers, signal};
use rustix::process::Signal;

/// How long the command runs before those who watch over it do: a busy machine that comes back may be worse.
const HEAD_START: Duration = Duration::from_millis(10);

/// Stops the holder for so long: `hotseat lock` alone, or everything down to the command, which then goes on first.
/// `false` if nobody held it.
pub(crate) fn holder(all: bool, length: Duration) -> bool {
    let Some(writer) = numbers().into_iter().find(|pid| is_a_writer(*pid)) else { return false };
    let Some(line) = line(writer) else { return false };
    let stopped = if all { &line[..] } else { &line[line.len() - 1..] };
    // From the lock down, so that nobody kills anybody for standing still.
    stopped.iter().rev().for_each(|pid| signal(*pid, Signal::STOP));
    std::thread::sleep(length);
    for pid in stopped {
        signal(*pid, Signal::CONT);
        std::thread::sleep(HEAD_START);
    }
    true
}

fn is_a_writer(pid: i32) -> bool {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = words.split(|byte| *byte == 0);
    words.next().is_some_and(|program| program.ends_with(b"hotseat-lockbench")) && words.next() == Some(b"writer")
}

/// The writer, its keeper, the guard, the lock.
fn line(writer: i32) -> Option<Vec<i32>> {
    let keeper = parent(writer)?;
    let guard = parent(keeper)?;
    Some(vec![writer, keeper, guard, parent(guard)?])
}

fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}
