//! One service or hook, as the guard sees it: a keeper, what it has said, and what is still owed to the agent.
//!
//! ```text
//!  starting --Started--> running --Exited--> exited --Gone, keeper reaped--> report Gone
//!     |                     '----- keeper died ------> orphaned --no orphan left, cgroup empty--> report Gone
//!     '-----Failed-------> failed --keeper reaped--> report StartFailed
//! ```

use std::os::fd::OwnedFd;

use rustix::process::{Pid, Signal, kill_process};

use crate::cgroup::SlotGroup;
use crate::relay::{FromKeeper, ToKeeper};
use crate::wire::Report;

/// How far a slot has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Starting,
    Failed(i32),
    Running,
    Exited,
}

/// A slot in use.
pub(crate) struct Slot {
    pub(crate) id: u32,
    pub(crate) keeper: Pid,
    pub(crate) socket: OwnedFd,
    pub(crate) group: Option<SlotGroup>,
    stage: Stage,
    /// The keeper has proven its tree empty.
    proven: bool,
    /// The keeper is dead, and reaped.
    orphaned: bool,
}

impl Slot {
    pub(crate) fn new(id: u32, keeper: Pid, socket: OwnedFd, group: Option<SlotGroup>) -> Self {
        Self { id, keeper, socket, group, stage: Stage::Starting, proven: false, orphaned: false }
    }

    /// Takes one piece of news from the keeper. The outer `None`: there is none; the inner: nothing to report.
    pub(crate) fn news(&mut self) -> Option<Option<Report>> {
        let slot = self.id;
        Some(match FromKeeper::receive(&self.socket)? {
            FromKeeper::Started(pid) => {
                self.stage = Stage::Running;
                Some(Report::Started { slot, pid })
            }
            FromKeeper::Failed(errno) => {
                self.stage = Stage::Failed(errno);
                None
            }
            FromKeeper::Exited(ending) => {
                self.stage = Stage::Exited;
                Some(Report::Exited { slot, code: ending.code(), signal: ending.signal() })
            }
            FromKeeper::Gone => {
                self.proven = true;
                None
            }
        })
    }

    /// The keeper is dead, and its last news is read. A keeper that went before its work was done was killed; what it
    /// kept is ours now.
    pub(crate) fn lose_keeper(&mut self) {
        self.orphaned = true;
    }

    /// Whether its keeper is alive, or dead and not reaped.
    pub(crate) fn has_keeper(&self) -> bool {
        !self.orphaned
    }

    /// Whether the keeper has gone and left its tree to us.
    pub(crate) fn is_bereft(&self) -> bool {
        self.orphaned && !self.proven
    }

    /// Whether nothing of it is alive, given whether any orphan at all is.
    pub(crate) fn is_gone(&self, orphans: bool) -> bool {
        self.orphaned && (self.proven || !orphans) && !self.group.as_ref().is_some_and(SlotGroup::is_populated)
    }

    /// The last reports of it. Where no keeper was left to see the end of the main process, it was a kill, and can be
    /// told only now.
    pub(crate) fn last_reports(&self) -> [Option<Report>; 2] {
        let slot = self.id;
        let unseen = Report::Exited { slot, code: None, signal: Some(libc::SIGKILL) };
        match self.stage {
            Stage::Failed(errno) => [None, Some(Report::StartFailed { slot, errno })],
            Stage::Starting | Stage::Running => [Some(unseen), Some(Report::Gone { slot })],
            Stage::Exited => [None, Some(Report::Gone { slot })],
        }
    }

    /// Has the keeper kill its tree. A stopped keeper is set going again first.
    pub(crate) fn kill(&self) {
        if self.has_keeper() {
            ToKeeper::Kill.send(&self.socket);
            let _ = kill_process(self.keeper, Signal::CONT);
        }
    }

    /// Kills the keeper itself: only when it does not do its work.
    pub(crate) fn kill_keeper(&self) {
        if self.has_keeper() {
            let _ = kill_process(self.keeper, Signal::KILL);
        }
    }
}
