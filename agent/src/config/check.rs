//! `ready` and `health`: how to find out whether a service is well.
//!
//! It only says what to ask; [`crate::check`] asks.

use super::entry::Entry;
use super::fault::{Fault, quoted};
use super::placeholders;
use super::section::Section;
use std::time::Duration;

const KINDS: &[&str] = &["http", "tcp", "command"];
const HEALTH_KEYS: &[&str] = &["http", "tcp", "command", "interval", "timeout", "max_check_attempts", "recover"];
const EXAMPLE: &str = "http = \"/healthz\"";

/// One question to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// `GET` of this path answers 200 to 399.
    Http {
        /// From the `/` on, with the query if there is one.
        path: String,
    },
    /// The port accepts a connection.
    Tcp,
    /// This command exits with 0.
    Command(Vec<String>),
    /// The process has lived for a moment: all one can ask of a program without a port.
    Alive,
}

/// A question that is asked again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// What is asked.
    pub check: Check,
    /// Time between the start of one question and the next.
    pub interval: Duration,
    /// After this there is no answer.
    pub timeout: Duration,
    /// So many failures in a row: the service is not well.
    pub max_check_attempts: u32,
    /// So many successes in a row: it is well again.
    pub recover: u32,
}

impl Check {
    /// Reads `ready`.
    pub(super) fn read(entry: Entry<'_>, port: Option<u16>) -> Result<Self, Fault> {
        Self::of(&entry.section("a check", KINDS)?, port)
    }

    fn of(section: &Section<'_>, port: Option<u16>) -> Result<Self, Fault> {
        let kind = section.one_of(KINDS, EXAMPLE)?;
        if kind.key == "command" {
            return placeholders::argv(kind, port).map(Self::Command);
        }
        let check = if kind.key == "http" { http(kind)? } else { tcp(kind)? };
        if port.is_none() {
            return Err(kind.fault("the service has no port to ask", "add port = 9100 to [group.service]"));
        }
        Ok(check)
    }

    /// What shows that a service is ready if nothing is said.
    pub(super) fn default_for(port: Option<u16>) -> Self {
        if port.is_some() { Self::Tcp } else { Self::Alive }
    }
}

impl Health {
    /// Reads `health`.
    pub(super) fn read(entry: Entry<'_>, port: Option<u16>) -> Result<Self, Fault> {
        let section = entry.section("health", HEALTH_KEYS)?;
        Ok(Self {
            check: Check::of(&section, port)?,
            interval: section.or("interval", Entry::pause, Duration::from_secs(1))?,
            timeout: section.or("timeout", Entry::pause, Duration::from_millis(500))?,
            max_check_attempts: section.or("max_check_attempts", Entry::times, 3)?,
            recover: section.or("recover", Entry::times, 2)?,
        })
    }
}

fn http(entry: Entry<'_>) -> Result<Check, Fault> {
    let path = entry.text()?;
    // Visible ASCII: nothing that could end the request line.
    if path.starts_with('/') && path.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(Check::Http { path: path.to_owned() });
    }
    Err(entry.fault(format!("{} is not a path", quoted(path)), "only the path, as in \"/healthz\""))
}

fn tcp(entry: Entry<'_>) -> Result<Check, Fault> {
    match entry.flag()? {
        true => Ok(Check::Tcp),
        false => Err(entry.fault("tcp = false asks nothing", "write tcp = true, or leave the check out")),
    }
}
