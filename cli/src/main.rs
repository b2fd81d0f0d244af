//! `hotseat`: the one binary.
//!
//! It reads the command line, hands it to one file per command, and turns what went wrong into one clear
//! error and a non-zero exit. As `hotseat guard` it is the guard, before any runtime exists,
//! and as `hotseat lock-child` or `hotseat alert-child` it becomes the command of a lock or an alert.

mod args;
mod commands;
mod fit;
mod picture;
mod say;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(fd) = guard_fd() {
        hotseat_guard::run(fd);
    }
    let word = std::env::args_os().nth(1);
    if word.as_ref().is_some_and(|word| word == "lock-child") {
        return commands::become_command();
    }
    if word.is_some_and(|word| word == hotseat_agent::alerts::CHILD) {
        return hotseat_agent::alerts::become_command();
    }
    commands::run(args::parse())
}

/// `hotseat guard --fd N`, said only by an agent. Looked at before anything else: a guard is small.
fn guard_fd() -> Option<i32> {
    let mut args = std::env::args_os().skip(1);
    let is = |arg: Option<std::ffi::OsString>, word: &str| arg.is_some_and(|arg| arg == word);
    if !is(args.next(), "guard") || !is(args.next(), "--fd") {
        return None;
    }
    args.next()?.to_str()?.parse().ok()
}
