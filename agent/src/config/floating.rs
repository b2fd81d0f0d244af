//! `[group.floating]`: a command that moves an address to the leader where the network belongs to somebody else.

use super::entry::Entry;
use super::fault::Fault;
use super::placeholders;
use super::section::Section;
use std::time::Duration;

/// Keys of `[group.floating]`.
pub(super) const KEYS: &[&str] = &["command", "timeout"];
/// A cloud takes seconds to move an address; one that hangs is asked again.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A command that moves an address to the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Floating {
    /// The program and its arguments, with placeholders; never empty.
    pub command: Vec<String>,
    /// How long one try may take.
    pub timeout: Duration,
}

impl Floating {
    pub(super) fn read(section: &Section<'_>, port: Option<u16>) -> Result<Self, Fault> {
        let command = section.need("command", "command = [\"/etc/hotseat/move-address\", \"{node}\"]")?;
        Ok(Self { command: placeholders::argv(command, port)?, timeout: section.or("timeout", Entry::pause, TIMEOUT)? })
    }
}
