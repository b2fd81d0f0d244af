//! The parts of `[group.service]` that say how a program is stopped, started again and listened to.

use super::entry::Entry;
use super::fault::{Fault, quoted};
use super::words;
use rustix::process::Signal;
use std::path::PathBuf;
use std::time::Duration;
use toml::de::DeValue;

const SIGNALS: &[(&str, Signal)] = &[
    ("TERM", Signal::TERM),
    ("INT", Signal::INT),
    ("QUIT", Signal::QUIT),
    ("HUP", Signal::HUP),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
    ("KILL", Signal::KILL),
];
const OUTPUTS: &str = "\"log\" or { file = \"PATH\" }";

/// How a program is asked to stop, before its whole tree is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// What it is sent.
    pub signal: Signal,
    /// How long it may take.
    pub timeout: Duration,
}

impl Default for Stop {
    fn default() -> Self {
        Self { signal: Signal::TERM, timeout: Duration::from_secs(10) }
    }
}

impl Stop {
    pub(super) fn read(entry: Entry<'_>) -> Result<Self, Fault> {
        let section = entry.section("stop", &["signal", "timeout"])?;
        let default = Self::default();
        Ok(Self {
            signal: section.or("signal", signal, default.signal)?,
            timeout: section.or("timeout", Entry::duration, default.timeout)?,
        })
    }
}

/// With or without `SIG` before it.
fn signal(entry: Entry<'_>) -> Result<Signal, Fault> {
    let text = entry.text()?;
    let short = text.strip_prefix("SIG").unwrap_or(text);
    match SIGNALS.iter().find(|(name, _)| *name == short) {
        Some((_, signal)) => Ok(*signal),
        None => {
            let known: Vec<&str> = SIGNALS.iter().map(|(name, _)| *name).collect();
            Err(entry.fault(format!("unknown signal {}", quoted(text)), words::advice(short, &known)))
        }
    }
}

/// How a program that ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// The wait before the first attempt; it doubles with each.
    pub backoff: Duration,
    /// The longest wait.
    pub max: Duration,
    /// So many in a row, then the group is handed over.
    pub attempts: u32,
}

impl Default for Restart {
    fn default() -> Self {
        Self { backoff: Duration::from_millis(500), max: Duration::from_secs(30), attempts: 5 }
    }
}

impl Restart {
    pub(super) fn read(entry: Entry<'_>) -> Result<Self, Fault> {
        let section = entry.section("restart", &["backoff", "max", "attempts"])?;
        let default = Self::default();
        let restart = Self {
            backoff: section.or("backoff", Entry::pause, default.backoff)?,
            max: section.or("max", Entry::pause, default.max)?,
            attempts: section.or("attempts", Entry::times, default.attempts)?,
        };
        if restart.max < restart.backoff {
            return Err(
                section.fault("\"max\" is shorter than \"backoff\"", "max is the longest wait, backoff the first")
            );
        }
        Ok(restart)
    }
}

/// Where a program's output goes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Output {
    /// Into the agent's log.
    #[default]
    Log,
    /// To the end of a file.
    File(PathBuf),
}

impl Output {
    pub(super) fn read(entry: Entry<'_>) -> Result<Self, Fault> {
        match entry.value.get_ref() {
            DeValue::String(text) if text == "log" => Ok(Self::Log),
            DeValue::String(text) => Err(entry.fault(format!("unknown output {}", quoted(text)), OUTPUTS)),
            DeValue::Table(_) => {
                let section = entry.section("output", &["file"])?;
                section.need("file", "file = \"/var/log/my-service.log\"")?.path().map(Self::File)
            }
            _ => Err(entry.wrong_type(OUTPUTS)),
        }
    }
}
