//! The processes below this one: killing them, and knowing when there are none.
//!
//! Who is a child of ours is told by the kernel: `children` of our own thread where it is built in, else a walk over
//! `/proc`. A child that we have not reaped keeps its number, so killing a child by number is exact. As a subreaper
//! this process inherits what its children leave behind, so *kill the children until there are none* ends the whole
//! tree, daemons included. Only a parent that cannot die (an uninterruptible call) keeps its own children from us;
//! for that there is [`Kin::kill_descendants`].
//!
//! Allocates nothing and opens nothing but `/proc` (which never waits for a disk), and that with descriptors kept in
//! reserve, so that a full table cannot stop it.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use rustix::fs::{Mode, OFlags, RawDir, SeekFrom, open, openat, seek};
use rustix::io::{Errno, fcntl_dupfd_cloexec, pread, read};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, pidfd_send_signal, wait};

/// How far up to look for an ancestor before a chain is taken for a race.
const DEPTH_MAX: usize = 4096;
/// A process's directory and a file in it.
const RESERVE: usize = 2;

/// What reaping found.
pub(crate) enum Reaped {
    /// A child has ended.
    Ended(Pid, WaitStatus),
    /// There are children, and none has ended.
    None,
    /// There is no child: as a subreaper, this is the proof that the tree is dead (D4).
    Childless,
}

/// A view of our own process tree.
pub(crate) struct Kin {
    proc: OwnedFd,
    children: Option<OwnedFd>,
    reserve: Vec<OwnedFd>,
}

impl Kin {
    /// Opens `/proc`.
    pub(crate) fn new() -> io::Result<Self> {
        let proc = open("/proc", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Self::of(proc)
    }

    /// The kin of the *calling* process; after a fork the child needs one of its own.
    pub(crate) fn of(proc: OwnedFd) -> io::Result<Self> {
        let children = openat(&proc, c"thread-self/children", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok();
        let mut kin = Self { proc, children, reserve: Vec::with_capacity(RESERVE) };
        // Where /proc shows another namespace, our own parent is not where it should be: no way to see our kin.
        kin.stock();
        kin.parent_of_number(getpid()).ok_or(io::ErrorKind::NotFound)?;
        Ok(kin)
    }

    /// The descriptor of `/proc`, for a keeper to inherit.
    pub(crate) fn proc(&self) -> &OwnedFd {
        &self.proc
    }

    /// Every descriptor this needs.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        [&self.proc].into_iter().chain(&self.children).chain(&self.reserve).map(AsRawFd::as_raw_fd)
    }

    /// Leaves the kernel's list of children unread, as on a kernel that was built without it.
    #[cfg(test)]
    pub(crate) fn without_list(mut self) -> Self {
        self.children = None;
        self
    }

    /// Collects one child that has ended.
    pub(crate) fn reap(&self) -> Reaped {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => return Reaped::Ended(pid, status),
                Ok(None) => return Reaped::None,
                Err(Errno::CHILD) => return Reaped::Childless,
                Err(Errno::INTR) => {}
                Err(_) => return Reaped::None,
            }
        }
    }

    /// Kills every child that is not spared; says how many there were, the dead but not reaped included.
    pub(crate) fn kill_children(&mut self, spare: impl Fn(Pid) -> bool) -> usize {
        let mut count = 0;
        let mut kill = |pid: Pid| {
            if !spare(pid) {
                count += 1;
                // Cannot fail but for a child of another user that a guard without privileges may not kill: then the
                // death is never proven, and that is the truth.
                let _ = kill_process(pid, Signal::KILL);
            }
        };
        let listed = self.children.as_ref().map(|list| each_listed(list, &mut kill));
        if listed.is_none_or(|outcome| outcome.is_err()) {
            self.each_process(|kin, pid, _| {
                if kin.parent_of_number(pid) == Some(getpid()) {
                    kill(pid);
                }
            });
        }
        count
    }

    /// Kills every descendant but the children that are spared, by a walk over `/proc`. Needed where a parent cannot
    /// die and so does not hand over its children.
    pub(crate) fn kill_descendants(&mut self, spare: impl Fn(Pid) -> bool) {
        self.each_process(|kin, pid, name| {
            if !spare(pid) {
                kin.kill_if_descendant(name);
            }
        });
    }

    /// The directory of a process *is* that process, whoever has its number later: what is looked at is what is killed.
    fn kill_if_descendant(&self, name: &CStr) -> Option<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let process = openat(&self.proc, name, flags, Mode::empty()).ok()?;
        let parent = parent_in(&process)?;
        // Looked at again after the walk: had a parent died on the way, ours would have another by now.
        if self.descends(parent) && parent_in(&process) == Some(parent) {
            let _ = pidfd_send_signal(&process, Signal::KILL);
        }
        Some(())
    }

    fn descends(&self, from: Pid) -> bool {
        let ancestors = std::iter::successors(Some(from), |pid| self.parent_of_number(*pid));
        ancestors.take(DEPTH_MAX).any(|pid| pid == getpid())
    }

    fn parent_of_number(&self, pid: Pid) -> Option<Pid> {
        let mut path = [0_u8; 24];
        let path = stat_path(pid, &mut path)?;
        let file = openat(&self.proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        parent_of_file(&file)
    }

    /// Calls for every process there is.
    fn each_process(&mut self, mut call: impl FnMut(&Self, Pid, &CStr)) {
        self.reserve.clear();
        let mut buffer = [MaybeUninit::uninit(); 8192];
        if seek(&self.proc, SeekFrom::Start(0)).is_ok() {
            let mut entries = RawDir::new(&self.proc, &mut buffer);
            while let Some(Ok(entry)) = entries.next() {
                let number = std::str::from_utf8(entry.file_name().to_bytes()).ok().and_then(|name| name.parse().ok());
                if let Some(pid) = number.and_then(Pid::from_raw) {
                    call(self, pid, entry.file_name());
                }
            }
        }
        self.stock();
    }

    /// Takes descriptors that the next walk can free.
    fn stock(&mut self) {
        while self.reserve.len() < RESERVE {
            match fcntl_dupfd_cloexec(&self.proc, 3) {
                Ok(fd) => self.reserve.push(fd),
                Err(_) => break,
            }
        }
    }
}

/// Calls for every number in the kernel's list of our children. Only we reap them, so the list does not shrink while
/// it is read, and the kernel's warning that it may skip one does not apply.
fn each_listed(list: &OwnedFd, call: &mut impl FnMut(Pid)) -> Result<(), Errno> {
    let mut buffer = [0_u8; 4096];
    let (mut offset, mut number) = (0, 0_i32);
    loop {
        let len = pread(list, &mut buffer, offset)?;
        if len == 0 {
            return Ok(());
        }
        offset += len as u64;
        for byte in &buffer[..len] {
            if byte.is_ascii_digit() {
                number = number.wrapping_mul(10).wrapping_add(i32::from(byte - b'0'));
            } else if let Some(pid) = Pid::from_raw(std::mem::take(&mut number)) {
                call(pid);
            }
        }
    }
}

fn parent_in(process: impl AsFd) -> Option<Pid> {
    parent_of_file(&openat(process, c"stat", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?)
}

/// The fourth field; the second may hold anything, but its last parenthesis is the last one of all.
fn parent_of_file(file: &OwnedFd) -> Option<Pid> {
    let mut buffer = [0_u8; 512];
    let len = read(file, &mut buffer).ok()?;
    let stat = &buffer[..len];
    let fields = &stat[stat.iter().rposition(|byte| *byte == b')')? + 1..];
    let parent = std::str::from_utf8(fields).ok()?.split_ascii_whitespace().nth(1)?;
    Pid::from_raw(parent.parse().ok()?)
}

/// `PID/stat`, written without allocating.
fn stat_path(pid: Pid, space: &mut [u8; 24]) -> Option<&CStr> {
    use std::io::Write;
    let mut rest = space.as_mut_slice();
    write!(rest, "{}/stat\0", pid.as_raw_nonzero()).ok()?;
    CStr::from_bytes_until_nul(space).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    /// A shell with a child of its own, and the pids of both.
    fn family() -> (Child, Pid, Pid) {
        use std::io::{BufRead, BufReader};
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 300 & echo $!; wait"]).stdout(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let grandchild = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
        let number = Pid::from_child(&child);
        (child, number, grandchild)
    }

    fn signal(child: &mut Child) -> Option<i32> {
        std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap())
    }

    #[test]
    fn a_child_is_found_by_the_list_and_by_the_walk() {
        for walk in [false, true] {
            let (mut child, number, grandchild) = family();
            let kin = Kin::new().unwrap();
            let mut kin = if walk { kin.without_list() } else { kin };
            assert_eq!(kin.kill_children(|pid| pid != number), 1);
            assert_eq!(signal(&mut child), Some(libc::SIGKILL));
            kill_process(grandchild, Signal::KILL).unwrap();
        }
    }

    #[test]
    fn a_descendant_is_found_below_a_parent_that_does_not_die() {
        let (mut child, number, grandchild) = family();
        let mut kin = Kin::new().unwrap();
        assert!(kin.descends(grandchild));
        kin.kill_descendants(|pid| pid != grandchild);
        // The shell was spared; it sees its child gone and ends by itself.
        assert_eq!(signal(&mut child), None);
        assert_eq!(kin.parent_of_number(number), None);
    }

    #[test]
    fn strangers_are_no_kin() {
        let mut kin = Kin::new().unwrap();
        let init = Pid::from_raw(1).unwrap();
        assert!(!kin.descends(init));
        // Spares nobody who is kin, and must not find itself.
        let own = getpid();
        kin.each_process(|kin, pid, _| {
            assert!(pid != own || !kin.parent_of_number(pid).is_some_and(|up| kin.descends(up)))
        });
    }

    #[test]
    fn a_full_table_of_descriptors_is_no_obstacle() {
        let mut kin = Kin::new().unwrap();
        assert_eq!(kin.reserve.len(), RESERVE);
        kin.each_process(|kin, _, _| assert!(kin.reserve.is_empty()));
        assert_eq!(kin.reserve.len(), RESERVE);
    }

    #[test]
    fn a_name_may_hold_anything() {
        let path = std::env::temp_dir().join(format!("hotseat-guard-stat-{}", getpid().as_raw_nonzero()));
        std::fs::write(&path, b"12 (a) R 7 (b)) S 34 12 12 0 -1").unwrap();
        let file = OwnedFd::from(std::fs::File::open(&path).unwrap());
        std::fs::remove_file(&path).unwrap();
        assert_eq!(parent_of_file(&file), Pid::from_raw(34));
    }
}
