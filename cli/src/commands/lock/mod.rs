//! `hotseat lock`: runs a command while holding a lock, or lists the locks there are.

mod list;

use std::process::ExitCode;

use hotseat_agent::lock::{self, Ended, Failure, Held, LockName, Options, Patience};
use hotseat_agent::logging;
use hotseat_client::LockParty;
use std::io::IsTerminal;

use super::{Failed, Result, explain, small_runtime};
use crate::args::Lock;
use crate::say::{length, say_line};

/// Others have the lock.
const HELD: u8 = 1;
/// The lock was lost, and the command killed.
const LOST: u8 = 123;
/// The command was never started, for a reason of ours.
const NOT_STARTED: u8 = 125;
/// What a shell adds to the number of a signal.
const SIGNALLED: i32 = 128;

pub(crate) fn run(args: &Lock) -> Result {
    if args.list {
        return list::run(args);
    }
    let (name, ended) = hold(args).map_err(|failed| failed.coded(NOT_STARTED))?;
    report(args, &name, ended)
}

/// `hotseat lock-child`, said only by a lock's guard: becomes the command.
pub(crate) fn become_command() -> ExitCode {
    lock::become_command()
}

fn hold(args: &Lock) -> std::result::Result<(LockName, Ended), Failed> {
    let name = args.name.as_deref().unwrap_or_default();
    let name = LockName::new(name).map_err(Failed::new)?;
    let options = Options {
        client: args.target.client()?,
        lock: name.clone(),
        seats: args.shared,
        patience: patience(args),
        command: args.command.clone(),
        exe: std::env::current_exe()?,
        tell: std::io::stderr().is_terminal(),
    };
    // Standard error is the command's: only who asks for it hears more.
    let kept = std::env::var_os("RUST_LOG").map(|_| logging::start());
    let runtime = small_runtime()?;
    let ended = runtime.block_on(lock::run(options));
    // A call that hangs must not keep us: the command is dead by now.
    runtime.shutdown_background();
    drop(kept);
    match ended {
        Ok(ended) => Ok((name, ended)),
        Err(Failure::Agent(error)) => Err(explain(error)),
        Err(failure @ (Failure::Unanswered(_) | Failure::Other(_))) => Err(Failed::new(failure)),
    }
}

fn patience(args: &Lock) -> Patience {
    match args.wait {
        _ if args.try_once => Patience::Try,
        Some(limit) => Patience::For(limit),
        None => Patience::Forever,
    }
}

/// The command's exit code, or ours with one line that says what happened.
fn report(args: &Lock, name: &LockName, ended: Ended) -> Result {
    let code = |code: i32| ExitCode::from(u8::try_from(code & 0xff).unwrap_or(u8::MAX));
    match ended {
        Ended::Exited(status) => Ok(code(status)),
        Ended::Killed(signal) | Ended::GivenUp(signal) => Ok(code(SIGNALLED + signal)),
        Ended::NotRun(status, why) => Err(Failed::new(why).coded(status)),
        Ended::Lost(why) => Err(Failed::new(format!(
            "lock \"{name}\" was lost: {why}. The command, and all that it had started, was killed before anybody else \
             could have the lock."
        ))
        .coded(LOST)),
        Ended::Held(held) => not_obtained(args, name, &held),
    }
}

fn not_obtained(args: &Lock, name: &LockName, held: &Held) -> Result {
    if args.json {
        let by = held.by.as_ref().map(|LockParty { node, pid }| serde_json::json!({"node": node, "pid": pid}));
        let json = serde_json::json!({
            "lock": name.as_str(), "held": by.is_some(), "by": by, "since": held.since, "epoch": held.epoch,
        });
        say_line(json)?;
    }
    let waited = match args.wait.filter(|_| !args.try_once) {
        Some(limit) => format!(", after waiting for {}", length(limit)),
        None => String::new(),
    };
    let how = match &held.by {
        Some(_) => format!("is held{}", held.in_words()),
        None => String::from("could not be had in time"),
    };
    Err(Failed::new(format!("lock \"{name}\" {how}{waited}")).coded(HELD))
}
