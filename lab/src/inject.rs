//! System calls of a node that take long or fail: by `strace`, which alters them on their way.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::node::Node;
use crate::processes::{Kind, signal};
use crate::{CEILING, poll, program};

/// What makes writes last.
pub const SYNCS: &str = "fsync,fdatasync,sync_file_range,msync";

/// How a call goes wrong.
#[derive(Clone, Copy, Debug)]
pub enum Wrong {
    /// It takes so much longer.
    Slow(Duration),
    /// It fails with this error, as `EIO`.
    Fails(&'static str),
}

/// Dropped, everything is as it was.
#[derive(Debug)]
pub struct Injected(Child);

/// Whether this can be done here; says what is missing if not.
#[must_use]
pub fn possible() -> bool {
    program::root() && program::have("strace", "strace")
}

/// From now on these calls of these processes go wrong, on every thread.
#[must_use]
pub fn inject(pids: &[i32], calls: &str, wrong: Wrong) -> Injected {
    let how = match wrong {
        Wrong::Slow(delay) => format!("delay_enter={}", delay.as_micros()),
        Wrong::Fails(error) => format!("error={error}"),
    };
    let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:{how}"));
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject]);
    pids.iter().for_each(|pid| _ = command.args(["-p", &pid.to_string()]));
    let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let injected = Injected(child);
    poll(CEILING, || pids.iter().all(|pid| traced(*pid)).then_some(())).expect("it is traced");
    injected
}

impl Node {
    /// From now on these calls of its agent go wrong.
    #[must_use]
    pub fn inject(&self, calls: &str, wrong: Wrong) -> Injected {
        let agents = self.pids(Kind::Agent);
        assert!(!agents.is_empty(), "{} has no agent", self.name);
        inject(&agents, calls, wrong)
    }
}

fn traced(pid: i32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let untraced = |status: String| status.contains("TracerPid:\t0\n");
    !tasks.filter_map(|task| fs::read_to_string(task.path().join("status")).ok()).any(untraced)
}

impl Drop for Injected {
    fn drop(&mut self) {
        // Asked to end, it lets go of what it traces; killed, it might leave a call in the middle.
        signal(self.0.id().cast_signed(), Signal::TERM);
        drop(self.0.wait());
    }
}
