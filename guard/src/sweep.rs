//! Ending what a dead guard left behind, before a new session begins.
//!
//! Needed only after agent, guard and keepers were all killed at once: what ran in their cgroups has been orphaned
//! then, but not lost. Without cgroups nothing can be found, and the old session's ttl is what protects.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, flock};

use crate::cgroup::{mount_points, prefix};

/// How deep and how wide a hierarchy is searched; both far above what a machine has.
const DEPTH_MAX: usize = 16;
const DIRECTORIES_MAX: usize = 50_000;
/// How long the killed may take to be gone.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a sweep found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sessions whose guard was dead and whose processes are dead now.
    pub ended: usize,
    /// Sessions whose guard lives: ask it for its word.
    pub guarded: usize,
    /// Sessions whose guard is dead and whose processes could not be killed in a second: do not start anything.
    pub alive: usize,
}

/// Kills what earlier sessions of this node left in cgroups without a guard, and removes the cgroups.
///
/// Call it before a new guard is started. May block for a second for each session that resists.
#[must_use]
pub fn sweep(cluster: &str, node: &str) -> Swept {
    let prefix = prefix(cluster, node);
    let mut swept = Swept::default();
    for directory in mount_points().iter().flat_map(|mount| sessions(mount, &prefix)) {
        match end(&directory) {
            Ok(true) => swept.ended += 1,
            Ok(false) => swept.guarded += 1,
            // Gone while we looked: its guard, or another sweep, has removed it.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound) => {}
            Err(_) => swept.alive += 1,
        }
    }
    swept
}

/// Directories below a mount whose name is the prefix and a session.
fn sessions(mount: &Path, prefix: &str) -> Vec<PathBuf> {
    let (mut found, mut seen) = (Vec::new(), 0);
    let mut level = vec![mount.to_owned()];
    for _ in 0..DEPTH_MAX {
        let mut below = Vec::new();
        for directory in level.iter().flat_map(|directory| directories(directory)) {
            seen += 1;
            let name = directory.file_name().unwrap_or_default().to_string_lossy();
            let is_session = name.strip_prefix(prefix).is_some_and(|rest| rest.len() == 32);
            if is_session { found.push(directory) } else { below.push(directory) }
        }
        if seen > DIRECTORIES_MAX || below.is_empty() {
            break;
        }
        level = below;
    }
    found
}

fn directories(of: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(of).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

/// Ends one session; `false` if its guard lives.
fn end(session: &Path) -> io::Result<bool> {
    let lock = File::open(session)?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(false);
    }
    std::fs::write(session.join("cgroup.kill"), "1")?;
    wait_until_empty(session)?;
    for slot in directories(session) {
        std::fs::remove_dir(slot)?;
    }
    std::fs::remove_dir(session)?;
    Ok(true)
}

fn wait_until_empty(session: &Path) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    let events = File::open(session.join("cgroup.events"))?;
    loop {
        let text = std::fs::read_to_string(session.join("cgroup.events"))?;
        if text.lines().any(|line| line == "populated 0") {
            return Ok(());
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // Short turns: a change between the look and the wait must not cost the whole patience.
        let turn = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
        let _ = poll(&mut [PollFd::from_borrowed_fd(events.as_fd(), PollFlags::PRI)], Some(&turn));
    }
}
