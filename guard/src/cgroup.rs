//! A cgroup for the session and one for every slot in it: the belt that no process leaves by forking.
//!
//! ```text
//!  <our own cgroup>/hotseat.<cluster>.<node>.<session>/      guard writes cgroup.kill at the end of the session
//!      <slot>/                                               keeper writes cgroup.kill at the end of the service
//! ```
//! The guard and the keepers are never inside: who has to prove a death must not die of it. The directory is locked
//! (`flock`) while the guard lives, so a [`sweep`](crate::sweep) can tell what is left over from what is in use, in
//! whatever namespaces the two live. No controller is switched on; nothing here limits anything.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, mkdirat, open, openat, unlinkat};
use rustix::io::{pread, write};

use crate::ask::hex;
use crate::settings::SessionId;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const FOR_ALL_TO_SEE: Mode = Mode::from_raw_mode(0o755);

/// How often to look for what the kernel is about to do, and how far apart: a millisecond in all.
const LOOKS: u32 = 20;
const LOOKS_APART: Duration = Duration::from_micros(50);

/// The cgroup of a session, and the guard's claim to it.
pub(crate) struct SessionGroup {
    parent: OwnedFd,
    name: CString,
    dir: OwnedFd,
    all: Handles,
}

/// The cgroup of one slot.
pub(crate) struct SlotGroup {
    name: CString,
    dir: OwnedFd,
    all: Handles,
}

/// What is needed to end a cgroup and to see that it has ended; opened long before.
struct Handles {
    kill: OwnedFd,
    events: OwnedFd,
}

impl SessionGroup {
    /// Makes the cgroup of a session, and shows by a process of its own that one can be born in it and killed.
    pub(crate) fn create(cluster: &str, node: &str, session: SessionId) -> io::Result<Self> {
        let parent = open(own_directory()?, DIRECTORY, Mode::empty())?;
        let name = CString::new(prefix(cluster, node) + &hex(session))?;
        mkdirat(&parent, &name, FOR_ALL_TO_SEE)?;
        let opened = Self::open(parent, name.clone()).and_then(|group| group.prove().map(|()| group));
        if opened.is_err() {
            let _ = own_directory().map(|own| std::fs::remove_dir(own.join(Path::new(name.to_str().unwrap_or(".")))));
        }
        opened
    }

    fn open(parent: OwnedFd, name: CString) -> io::Result<Self> {
        let dir = openat(&parent, &name, DIRECTORY, Mode::empty())?;
        flock(&dir, FlockOperation::NonBlockingLockExclusive)?;
        // A sweep between the two steps above has removed the directory, and then this fails.
        let all = Handles::open(&dir)?;
        Ok(Self { parent, name, dir, all })
    }

    /// A delegation may allow the directory but not the birth: better to know now than at the first start.
    fn prove(&self) -> io::Result<()> {
        let trial = self.slot(u32::MAX)?;
        let born = trial.try_birth();
        self.remove_slot(&trial);
        born
    }

    /// Makes the cgroup of a slot.
    pub(crate) fn slot(&self, slot: u32) -> io::Result<SlotGroup> {
        let name = CString::new(slot.to_string())?;
        mkdirat(&self.dir, &name, FOR_ALL_TO_SEE)?;
        let opened = openat(&self.dir, &name, DIRECTORY, Mode::empty())
            .map_err(io::Error::from)
            .and_then(|dir| Handles::open(&dir).map(|all| (dir, all)));
        match opened {
            Ok((dir, all)) => Ok(SlotGroup { name, dir, all }),
            Err(error) => {
                let _ = unlinkat(&self.dir, &name, AtFlags::REMOVEDIR);
                Err(error)
            }
        }
    }

    /// Kills everything in all slots.
    pub(crate) fn kill(&self) {
        self.all.kill();
    }

    /// Whether anything lives in any slot, asked when nothing should.
    pub(crate) fn is_still_populated(&self) -> bool {
        self.all.is_still_populated()
    }

    /// Becomes ready when that changes.
    pub(crate) fn events(&self) -> BorrowedFd<'_> {
        self.all.events()
    }

    pub(crate) fn remove_slot(&self, slot: &SlotGroup) {
        let _ = unlinkat(&self.dir, &slot.name, AtFlags::REMOVEDIR);
    }

    /// Removes the session's cgroup, whose slots are removed already.
    pub(crate) fn remove(&self) {
        let _ = unlinkat(&self.parent, &self.name, AtFlags::REMOVEDIR);
    }
}

impl SlotGroup {
    /// The directory, for a process to be born in it.
    pub(crate) fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    pub(crate) fn kill(&self) {
        self.all.kill();
    }

    pub(crate) fn is_populated(&self) -> bool {
        self.all.is_populated()
    }

    /// Whether anything lives in here, asked when nothing should.
    pub(crate) fn is_still_populated(&self) -> bool {
        self.all.is_still_populated()
    }

    /// Becomes ready when that changes.
    pub(crate) fn events(&self) -> BorrowedFd<'_> {
        self.all.events()
    }

    /// Every descriptor that a keeper needs of this.
    pub(crate) fn descriptors(&self) -> [BorrowedFd<'_>; 3] {
        [self.dir.as_fd(), self.all.kill.as_fd(), self.all.events.as_fd()]
    }

    fn try_birth(&self) -> io::Result<()> {
        use crate::fork::{Side, fork_into, leave};
        match fork_into(self.dir())? {
            Side::Child => leave(0),
            Side::Parent(child) => {
                rustix::process::waitpid(Some(child), rustix::process::WaitOptions::empty())?;
                Ok(())
            }
        }
    }
}

impl Handles {
    fn open(dir: &OwnedFd) -> io::Result<Self> {
        Ok(Self {
            kill: openat(dir, c"cgroup.kill", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?,
            events: openat(dir, c"cgroup.events", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?,
        })
    }

    fn kill(&self) {
        // Fails only once the directory is removed, and then nobody lives there.
        let _ = write(&self.kill, b"1");
    }

    /// The kernel takes the dead out of a cgroup a moment after their parent has collected them, and tells of changes
    /// once in 10 ms at most: so this looks a few times before the caller waits to be told.
    fn is_still_populated(&self) -> bool {
        (0..LOOKS).all(|look| {
            if look > 0 {
                std::thread::sleep(LOOKS_APART);
            }
            self.is_populated()
        })
    }

    /// The file of events, ready for what happens from now on. Unread, it would be ready for ever.
    fn events(&self) -> BorrowedFd<'_> {
        let _ = self.is_populated();
        self.events.as_fd()
    }

    fn is_populated(&self) -> bool {
        let mut text = [0_u8; 256];
        match pread(&self.events, &mut text, 0) {
            Ok(len) => !text[..len].split(|byte| *byte == b'\n').any(|line| line == b"populated 0"),
            Err(rustix::io::Errno::NODEV) => false,
            Err(_) => true,
        }
    }
}

/// How the names of this node's session cgroups begin; the session follows.
pub(crate) fn prefix(cluster: &str, node: &str) -> String {
    format!("hotseat.{}.{}.", escape(cluster), escape(node))
}

/// Only letters, digits, `-` and `_` stand for themselves: a dot separates, a slash would be a directory.
fn escape(name: &str) -> String {
    name.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02x}")),
        }
        out
    })
}

/// Where this process stands in the cgroup v2 hierarchy, as a directory.
fn own_directory() -> io::Result<PathBuf> {
    let groups = std::fs::read_to_string("/proc/self/cgroup")?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::")).ok_or(io::ErrorKind::NotFound)?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
    mounts.lines().find_map(|line| place(line, own)).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Where the cgroup v2 file systems are mounted.
pub(crate) fn mount_points() -> Vec<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounts.lines().filter_map(|line| mount(line).map(|(_, point)| PathBuf::from(point))).collect()
}

/// The directory of the cgroup `own`, if this line of `mountinfo` is a mount that shows it.
fn place(line: &str, own: &str) -> Option<PathBuf> {
    let (root, point) = mount(line)?;
    let below = Path::new(own).strip_prefix(root).ok()?;
    // Outside of our cgroup namespace the path begins with "..": nothing that can be reached here.
    (!own.starts_with("/..")).then(|| Path::new(point).join(below))
}

/// Root and mount point, if this line of `mountinfo` is of cgroup v2. Escaped names are passed over.
fn mount(line: &str) -> Option<(&str, &str)> {
    let (fields, kind) = line.split_once(" - ")?;
    let mut fields = fields.split(' ').skip(3);
    let (root, point) = (fields.next()?, fields.next()?);
    (kind.starts_with("cgroup2 ") && !line.contains('\\')).then_some((root, point))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, own: &str, expected: Option<&str>) {
        assert_eq!(place(line, own), expected.map(PathBuf::from), "{own} in {line}");
    }

    #[test]
    fn the_own_directory_is_found_below_the_mount() {
        let hybrid = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
        check(hybrid, "/", Some("/sys/fs/cgroup/unified/"));
        check(hybrid, "/a/b", Some("/sys/fs/cgroup/unified/a/b"));
        check(hybrid, "/../a", None);
        let part = "41 31 0:38 /docker/1 /sys/fs/cgroup rw shared:4 - cgroup2 cgroup rw";
        check(part, "/docker/1/x", Some("/sys/fs/cgroup/x"));
        check(part, "/docker/2", None);
        check("33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu", "/", None);
    }

    #[test]
    fn names_cannot_run_into_each_other() {
        assert_eq!(prefix("a.b", "c"), "hotseat.a%2eb.c.");
        assert_eq!(prefix("a", "b/c"), "hotseat.a.b%2fc.");
    }
}
