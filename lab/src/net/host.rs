//! One network namespace: threads enter it, processes are started in it. It is named, so that `ip` finds it, and a
//! later run does, if this one is killed.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Where `ip` keeps the names.
pub(super) const NAMES: &str = "/run/netns";

/// See the module.
#[derive(Clone, Debug)]
pub struct Host(PathBuf);

impl Host {
    pub(super) fn named(name: String) -> Self {
        Self(Path::new(NAMES).join(name))
    }

    /// Where the calling thread is now.
    #[must_use]
    pub fn of_this_thread() -> Self {
        let here = std::fs::canonicalize("/proc/thread-self").expect("there is a /proc");
        Self(here.join("ns/net"))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.file_name().and_then(|name| name.to_str()).expect("made of ASCII")
    }

    /// Moves the calling thread here.
    pub(super) fn enter(&self) {
        let namespace = File::open(&self.0).unwrap_or_else(|error| panic!("{}: {error}", self.0.display()));
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
    }

    /// Does something here, on a thread of its own.
    pub fn within<T: Send>(&self, what: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            self.enter();
            what()
        };
        std::thread::scope(|scope| scope.spawn(inside).join()).unwrap()
    }

    /// Starts a process here: the child is the very process, with no wrapper around it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        self.within(|| command.spawn())
    }

    /// Runs lines of `ip` here; all of them or a panic.
    pub fn ip(&self, lines: &str) {
        ip(Some(self), lines);
    }

    /// What `ip` shows here.
    #[must_use]
    pub fn show(&self, words: &[&str]) -> String {
        let output = Command::new("ip").args(["-n", self.name(), "-o"]).args(words).output().unwrap();
        assert!(output.status.success(), "ip {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(super) fn remove(&self) {
        let _ = rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH);
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Runs lines of `ip`, in a namespace; all of them or a panic.
pub(super) fn ip(within: Option<&Host>, lines: &str) {
    let mut command = Command::new("ip");
    if let Some(host) = within {
        command.args(["-n", host.name()]);
    }
    feed(command.args(["-batch", "-"]), lines);
}

/// Runs a program that reads what it is to do; it has to succeed.
pub(super) fn feed(command: &mut Command, lines: &str) {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // One that ends before it has read all says why below.
    let _ = child.stdin.take().expect("it is piped").write_all(lines.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}:\n{lines}\n{}", String::from_utf8_lossy(&output.stderr));
}
