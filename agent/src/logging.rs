//! The agent's log: lines that a person can read, on standard error. A log that cannot be written never
//! holds the agent up; it loses lines instead.

use std::io::IsTerminal;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

/// What is told unless `RUST_LOG` says otherwise. The Raft library tells of every missed heartbeat.
const USUAL: &str = "info,openraft=off";

/// Starts logging; `RUST_LOG` says what, what is worth a line otherwise. Keep the guard until the end: it writes what is left.
pub fn start() -> WorkerGuard {
    let (writer, guard) = tracing_appender::non_blocking(std::io::stderr());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL));
    let colours = std::io::stderr().is_terminal();
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_target(false)
        .with_ansi(colours)
        .try_init();
    // Somebody else logs already: theirs it is.
    drop(started);
    guard
}
