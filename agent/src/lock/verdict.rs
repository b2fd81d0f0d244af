//! How a lock ended, and who else has it: what is told to whoever typed the command. It decides nothing.

use std::ffi::OsString;
use std::os::unix::net::UnixStream;

use hotseat_client::LockParty;
use hotseat_core::{GroupId, Key, Look, Record};
use rustix::process::Signal;

use super::{parcel, sight};
use crate::records::Records;

/// How it ended. Nothing of the command is alive then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The command ended with this code.
    Exited(i32),
    /// A signal ended the command.
    Killed(i32),
    /// The command could not be started; the exit code that shells have for it, and why.
    NotRun(u8, String),
    /// Others have the lock.
    Held(Held),
    /// The lock was lost while the command ran, and the command was killed; says why.
    Lost(String),
    /// A signal came before the lock.
    GivenUp(i32),
}

/// Who has it, as far as is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// By whom.
    pub by: Option<LockParty>,
    /// Since when, RFC 3339.
    pub since: Option<String>,
    /// Under which epoch.
    pub epoch: u64,
}

/// How the main process ended, in the words of those who asked for it.
pub(super) fn ended(
    status: Option<(Option<i32>, Option<i32>)>,
    answer: &mut UnixStream,
    command: &[OsString],
) -> Ended {
    match status {
        Some((Some(code), _)) => match parcel::why_not_run(answer) {
            Some(error) => {
                let program = command.first().map(|word| word.display().to_string()).unwrap_or_default();
                Ended::NotRun(parcel::code_of(&error), format!("{program}: {error}"))
            }
            None => Ended::Exited(code),
        },
        Some((None, signal)) => Ended::Killed(signal.unwrap_or(Signal::KILL.as_raw())),
        None => Ended::Killed(Signal::KILL.as_raw()),
    }
}

/// Who holds a seat, as a look found it.
pub(super) fn held(look: &Look, records: &Records, group: &GroupId) -> Held {
    let Some((_, Ok(Record::Group(record)))) = look.records.get(&Key::Group(group.clone())) else {
        return Held::default();
    };
    Held { by: sight::holder(look, record), since: records.leads_since(group), epoch: record.epoch.0 }
}

impl Held {
    /// As the end of a sentence.
    #[must_use]
    pub fn in_words(&self) -> String {
        let by = self.by.as_ref().map(|by| match by.pid {
            Some(pid) => format!(" by {} (pid {pid})", by.node),
            None => format!(" by {}", by.node),
        });
        let since = self.since.as_ref().filter(|_| self.by.is_some()).map(|since| format!(" since {since}"));
        format!("{}{}", by.unwrap_or_default(), since.unwrap_or_default())
    }
}
