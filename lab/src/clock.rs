//! Clocks that are wrong, on one node alone.
//!
//! `libfaketime` lies to whoever asks the C library: wall clocks, and the monotonic clock behind the timers of a Rust
//! runtime. It does not reach what asks the kernel directly, as the agent and the guard do for the boot clock that they
//! decide by. That one can be *set off*, by a time namespace, but nothing here makes it run fast or slow on one node:
//! the simulator does.

use std::fs;
use std::process::Command;

use crate::node::Node;
use crate::program;

/// Where Debian has it, on whatever machine.
#[must_use]
pub fn library() -> String {
    format!("/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1", std::env::consts::ARCH)
}

/// Whether clocks can be made wrong here; says what is missing if not.
#[must_use]
pub fn possible() -> bool {
    program::root() && program::have(&library(), "faketime") && program::have("unshare", "util-linux")
}

impl Node {
    /// Starts the agent with clocks at a rate, as `x2.0`: the wall clock, and every timer of its runtime with it.
    pub fn start_at_rate(&self, rate: &str) {
        self.start_with(&format!("+0 {rate}"), &mut Command::new(program::hotseat()));
    }

    /// Starts the agent with another wall clock, as `-1000d`. A monotonic clock never steps, so that one stays right.
    pub fn start_with_wall_clock(&self, clock: &str) {
        let mut command = Command::new(program::hotseat());
        self.start_with(clock, command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1"));
    }

    fn start_with(&self, clock: &str, command: &mut Command) {
        self.set_clock(clock);
        command.env("LD_PRELOAD", library()).env("FAKETIME_TIMESTAMP_FILE", self.path("clock"));
        self.start_as(command.env("FAKETIME_NO_CACHE", "1"));
    }

    /// Steps the wall clock of an agent that was started with one.
    pub fn set_clock(&self, clock: &str) {
        fs::write(self.path("clock"), clock).unwrap();
    }

    /// Starts the agent on a machine that has been up for so much longer, in seconds, than the others.
    pub fn start_with_uptime(&self, seconds: u64) {
        let mut command = Command::new("unshare");
        let ahead = seconds.to_string();
        command.args(["--time", "--boottime", &ahead, "--monotonic", &ahead, "--"]).arg(program::hotseat());
        self.start_as(&mut command);
    }
}
