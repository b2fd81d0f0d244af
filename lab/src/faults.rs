//! What can be done to a node. Each fault says when it was complete: outages count from there.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Instant;

use rustix::process::Signal;

use crate::node::Node;
use crate::processes::{self, Kind, signal};
use crate::{CEILING, poll};

impl Node {
    fn send(&self, kind: Kind, what: Signal) -> Instant {
        let pids = self.pids(kind);
        assert!(!pids.is_empty(), "{} has no {kind:?} to signal", self.name);
        pids.into_iter().for_each(|pid| signal(pid, what));
        Instant::now()
    }

    /// SIGKILL to the agent.
    pub fn kill_agent(&self) -> Instant {
        signal(self.agent(), Signal::KILL);
        let at = Instant::now();
        self.wait_exit();
        at
    }

    /// SIGSTOP to the agent.
    pub fn stop_agent(&self) -> Instant {
        signal(self.agent(), Signal::STOP);
        Instant::now()
    }

    /// SIGCONT to the agent.
    pub fn continue_agent(&self) -> Instant {
        signal(self.agent(), Signal::CONT);
        Instant::now()
    }

    /// SIGTERM to the agent: a clean stop begins.
    pub fn term(&self) -> Instant {
        signal(self.agent(), Signal::TERM);
        Instant::now()
    }

    /// SIGHUP to the agent: it reads its file anew.
    pub fn reload(&self) {
        signal(self.agent(), Signal::HUP);
    }

    /// SIGKILL to the guard.
    pub fn kill_guard(&self) -> Instant {
        self.send(Kind::Guard, Signal::KILL)
    }

    /// SIGSTOP to the guard.
    pub fn stop_guard(&self) -> Instant {
        self.send(Kind::Guard, Signal::STOP)
    }

    /// SIGCONT to everything.
    pub fn continue_all(&self) {
        self.processes().iter().for_each(|process| signal(process.pid, Signal::CONT));
    }

    /// SIGKILL to every keeper.
    pub fn kill_keepers(&self) -> Instant {
        self.send(Kind::Keeper, Signal::KILL)
    }

    /// SIGKILL to the service's main process: the oldest one, as a crash of it would be.
    pub fn kill_service(&self) -> Instant {
        self.signal_service(Signal::KILL)
    }

    /// SIGSTOP to the service's main process: it hangs.
    pub fn stop_service(&self) -> Instant {
        self.signal_service(Signal::STOP)
    }

    fn signal_service(&self, what: Signal) -> Instant {
        let mut all: Vec<_> = self.processes().into_iter().filter(|process| process.kind == Kind::Service).collect();
        all.sort_unstable_by_key(|process| (process.born, process.pid));
        let main = all.first().unwrap_or_else(|| panic!("{} has no service", self.name));
        signal(main.pid, what);
        Instant::now()
    }

    /// SIGKILL to the agent and to everything of the service, together.
    pub fn kill_agent_and_service(&self) -> Instant {
        let services = self.pids(Kind::Service);
        signal(self.agent(), Signal::KILL);
        services.into_iter().for_each(|pid| signal(pid, Signal::KILL));
        let at = Instant::now();
        self.wait_exit();
        at
    }

    /// SIGKILL to the agent and its guard, together.
    pub fn kill_agent_and_guard(&self) -> Instant {
        let guards = self.pids(Kind::Guard);
        assert!(!guards.is_empty(), "{} has no guard", self.name);
        signal(self.agent(), Signal::KILL);
        guards.into_iter().for_each(|pid| signal(pid, Signal::KILL));
        let at = Instant::now();
        self.wait_exit();
        at
    }

    /// The node's machine is switched off: nothing of it does anything any more, not even give its word. It is
    /// frozen first, because a guard that sees its agent die before itself would still prove the death.
    pub fn kill_all(&self) -> Instant {
        let at = self.freeze();
        self.processes().iter().for_each(|process| signal(process.pid, Signal::KILL));
        self.wait_exit();
        // For whoever is started there next.
        self.thaw();
        at
    }

    /// The node's machine is paused: when this returns nothing of it moves.
    pub fn freeze(&self) -> Instant {
        let still = || {
            let all = self.processes();
            all.iter().for_each(|process| signal(process.pid, Signal::STOP));
            all.iter().all(|process| processes::stopped(process.pid)).then_some(())
        };
        match &self.freezer {
            Some(freezer) => freezer.freeze(),
            None => poll(CEILING, still).expect("it freezes"),
        }
        Instant::now()
    }

    /// The node's machine goes on, everything on it at once.
    pub fn thaw(&self) -> Instant {
        match &self.freezer {
            Some(freezer) => freezer.thaw(),
            None => self.processes().iter().for_each(|process| signal(process.pid, Signal::CONT)),
        }
        Instant::now()
    }

    /// The share vanishes for this node: its mount point is empty, as after an unmount.
    pub fn lose_store(&self) -> Instant {
        self.see_store(&self.path("nowhere"));
        Instant::now()
    }

    /// The share is back.
    pub fn find_store(&self) -> Instant {
        self.see_store(&self.home.with_file_name("store"));
        Instant::now()
    }

    /// Every call on the share hangs, as on a dead NFS server. `None` where there is no FUSE.
    pub fn hang_store(&self) -> Option<Hung> {
        let hung = Hung::mount(self.path("hung"))?;
        self.see_store(&self.path("hung"));
        Some(hung)
    }

    /// Swaps the link to the share in one step.
    fn see_store(&self, target: &std::path::Path) {
        let (link, new) = (self.path("share"), self.path("share.new"));
        symlink(target, &new).unwrap();
        fs::rename(new, link).unwrap();
    }
}

/// A file system whose server never answers. Dropped, it is gone, and who hung in it gets an error.
#[derive(Debug)]
pub struct Hung {
    at: std::path::PathBuf,
    server: Option<fs::File>,
}

impl Hung {
    fn mount(at: std::path::PathBuf) -> Option<Self> {
        use rustix::mount::{MountFlags, mount};
        use std::os::fd::AsRawFd;
        fs::create_dir_all(&at).unwrap();
        let server = fs::File::options().read(true).write(true).open("/dev/fuse").ok()?;
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0,allow_other", server.as_raw_fd());
        let options = std::ffi::CString::new(options).expect("no zero in it");
        mount("lab", &at, "fuse", MountFlags::empty(), options.as_c_str()).ok()?;
        Some(Self { at, server: Some(server) })
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        // Closing the server's end fails every call that waits.
        drop(self.server.take());
        let _ = rustix::mount::unmount(&self.at, rustix::mount::UnmountFlags::DETACH);
    }
}
