//! A small disk of a node's own, for its `data_dir`: ext4 in a file, over a loop device. It can be full, read-only, lose
//! what was not synced, or have a bit turned.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::node::Node;
use crate::{CEILING, poll, program};

/// Where the filler of a full disk is, on that disk.
const FILLER: &str = "filler";

/// Stops a file system at once, as a power cut does: its journal is not written out first. There is no safe call for it.
const SHUTDOWN: &str = "open(D, '<', $ARGV[0]) or die $!; my $how = pack('L', 2); \
     ioctl(D, 0x8004587d, $how) or die $!";

/// See the module. Dropped, it is unmounted.
#[derive(Debug)]
pub struct Disk {
    image: PathBuf,
    at: PathBuf,
}

/// Whether disks can be made here; says what is missing if not.
#[must_use]
pub fn possible() -> bool {
    program::root() && program::have("mkfs.ext4", "e2fsprogs") && program::have("perl", "perl-base")
}

fn must(words: &[&str]) {
    let ended = program::run(words[0].as_ref(), &words[1..]);
    assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
}

impl Disk {
    /// A new one of so many MiB in a file, mounted.
    #[must_use]
    pub fn new(image: PathBuf, at: PathBuf, mebibytes: u64) -> Self {
        fs::create_dir_all(&at).unwrap();
        File::create(&image).unwrap().set_len(mebibytes << 20).unwrap();
        let disk = Self { image, at };
        must(&["mkfs.ext4", "-q", "-F", "-m", "0", disk.image()]);
        disk.mount();
        disk
    }

    fn image(&self) -> &str {
        self.image.to_str().expect("made of UTF-8")
    }

    fn at(&self) -> &str {
        self.at.to_str().expect("made of UTF-8")
    }

    fn mount(&self) {
        // A namespace made meanwhile keeps a copy of the mount before, and with it a file system whose power was cut.
        let free = || program::run("losetup".as_ref(), &["-j", self.image()]).out.is_empty().then_some(());
        poll(CEILING, free).unwrap_or_else(|| panic!("{} is still mounted somewhere", self.image()));
        must(&["mount", "-o", "loop", self.image(), self.at()]);
    }

    fn unmount(&self) {
        // What was killed just now may still hold it.
        let gone = || program::run("umount".as_ref(), &[self.at()]).code.filter(|code| *code == 0);
        poll(CEILING, gone).unwrap_or_else(|| panic!("{} cannot be unmounted", self.at()));
    }

    /// Leaves no room at all.
    pub fn fill(&self) {
        let filler = File::create(self.at.join(FILLER)).unwrap();
        let (mut at, mut piece) = (0, vec![0x5a; 1 << 20]);
        while !piece.is_empty() {
            match filler.write_at(&piece, at) {
                Ok(wrote) => at += wrote as u64,
                // What does not fit as a whole may fit in part.
                Err(_) => piece.truncate(piece.len() / 2),
            }
        }
    }

    /// Makes room again.
    pub fn empty(&self) {
        fs::remove_file(self.at.join(FILLER)).unwrap();
    }

    /// Nothing can be written any more, as after an error of the device.
    pub fn read_only(&self) {
        // A plain `ro` is refused while a file is open for writing; what the kernel does after an error is not.
        must(&["mount", "-o", "remount,abort", self.at()]);
    }

    /// The power is cut: what was not synced is gone. Nothing may run on it any more.
    fn lose_power(&self) {
        must(&["perl", "-e", SHUTDOWN, self.at()]);
    }

    /// What was written so far is to survive a power cut.
    pub fn sync(&self) {
        must(&["sync", "--file-system", self.at()]);
    }

    fn remount(&self) {
        self.unmount();
        self.mount();
    }

    /// Turns one bit of a file, `at` bytes from its start (modulo its length).
    pub fn turn_a_bit(file: &Path, at: u64) {
        let opened = File::options().read(true).write(true).open(file).unwrap();
        let length = opened.metadata().unwrap().len();
        assert!(length > 0, "{} is empty", file.display());
        let mut byte = [0];
        opened.read_exact_at(&mut byte, at % length).unwrap();
        byte[0] ^= 1 << (at % 8);
        opened.write_all_at(&byte, at % length).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").args(["-l", self.at()]).status());
    }
}

impl Node {
    /// Its disk.
    #[must_use]
    pub fn disk(&self) -> &Disk {
        self.disk.as_ref().expect("a spec with disks")
    }

    /// The power of its machine is cut: everything on it ends in one instant, and what was not synced is gone. The disk is
    /// sound again afterwards; nothing is started.
    pub fn cut_power(&self) -> std::time::Instant {
        let at = self.freeze();
        self.disk().lose_power();
        self.kill_all();
        poll(CEILING, || self.processes().is_empty().then_some(())).expect("everything is dead");
        self.disk().remount();
        at
    }
}
