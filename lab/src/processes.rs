//! Which processes belong to a node: they carry its mark in their environment, or live in its folder.
//!
//! Servers that write a title over their environment (nginx, PostgreSQL, Redis) are found by their folder or cgroup.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// The variable that every process of a node inherits, as `CLUSTER/NODE`.
pub const MARK: &str = "LAB_NODE";

/// What a process is to its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `hotseat run`.
    Agent,
    /// The guard of a session.
    Guard,
    /// A guard's helper, one for each command.
    Keeper,
    /// A service, a hook, a check: whatever the guard runs.
    Service,
    /// On its way from a fork to its program, or out: it is nothing yet, or nothing any more.
    Passing,
}

/// One living process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// When it was started, in ticks since boot: with the number it names a process for ever.
    pub born: u64,
    /// Its short name.
    pub comm: String,
    /// What it is.
    pub kind: Kind,
}

/// Every living process of the node with this mark and folder.
#[must_use]
pub fn of(mark: &str, home: &Path) -> Vec<Process> {
    numbers().into_iter().filter(|pid| belongs(*pid, mark, home)).filter_map(look).collect()
}

/// Every process number there is, in order.
#[must_use]
pub fn numbers() -> Vec<i32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let mut numbers: Vec<_> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

/// Whether a process belongs to a node.
#[must_use]
pub fn belongs(pid: i32, mark: &str, home: &Path) -> bool {
    let proc = format!("/proc/{pid}");
    let environ = fs::read(format!("{proc}/environ")).unwrap_or_default();
    let wanted = format!("{MARK}={mark}");
    environ.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
        || fs::read_link(format!("{proc}/cwd")).is_ok_and(|cwd| cwd.starts_with(home))
        || fs::read_to_string(format!("{proc}/cgroup")).is_ok_and(|all| all.contains(&group_prefix(mark)))
}

/// How the cgroups of a node begin.
#[must_use]
pub fn group_prefix(mark: &str) -> String {
    format!("/hotseat.{}.", mark.replace('/', "."))
}

/// Looks at a process; `None` for one that is dead, reaped or not.
#[must_use]
pub fn look(pid: i32) -> Option<Process> {
    let (comm, fields) = stat(pid)?;
    let born = fields.get(19)?.parse().ok()?;
    let dead = matches!(fields.first()?.as_str(), "Z" | "X");
    let kind = kind(pid, &comm);
    (!dead).then_some(Process { pid, born, comm, kind })
}

fn kind(pid: i32, comm: &str) -> Kind {
    match comm {
        "seat-guard" => return Kind::Guard,
        "seat-keeper" => return Kind::Keeper,
        _ => {}
    }
    let cmdline = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = cmdline.split(|byte| *byte == 0);
    let program = words.next().unwrap_or_default();
    match (program.ends_with(b"hotseat"), words.next()) {
        // It has taken its title since its name was read.
        _ if program.starts_with(b"seat-guard") => Kind::Guard,
        _ if program.starts_with(b"seat-keeper") => Kind::Keeper,
        (true, Some(b"run")) => Kind::Agent,
        (true, Some(b"guard")) => Kind::Guard,
        _ if program.is_empty() || is_this_test(pid) => Kind::Passing,
        _ => Kind::Service,
    }
}

/// A child of this very process that has yet to become what it is to be.
fn is_this_test(pid: i32) -> bool {
    let program = |pid: &str| fs::read_link(format!("/proc/{pid}/exe")).ok();
    program(&pid.to_string()).is_some_and(|its| Some(its) == program("self"))
}

/// The name and the fields after it, from the state on.
fn stat(pid: i32) -> Option<(String, Vec<String>)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (before, rest) = stat.rsplit_once(") ")?;
    let comm = before.split_once('(')?.1.to_owned();
    Some((comm, rest.split_ascii_whitespace().map(str::to_owned).collect()))
}

/// Whether this very process is alive.
#[must_use]
pub fn alive(process: &Process) -> bool {
    look(process.pid).is_some_and(|now| now.born == process.born)
}

/// Whether a process does nothing because of SIGSTOP.
#[must_use]
pub fn stopped(pid: i32) -> bool {
    stat(pid).is_none_or(|(_, fields)| matches!(fields[0].as_str(), "T" | "t" | "Z" | "X"))
}

/// A number of `/proc/PID/status`, as of `VmRSS:` in KiB; 0 of a process that is gone.
#[must_use]
pub fn of_status(pid: i32, key: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Sends a signal; one to a process that has just died does nothing.
pub fn signal(pid: i32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid).expect("a process number"), signal);
}
