//! What comes after the loop: the rooms are closed, and whoever started the agent is told how it ended.

use hotseat_core::Exit;

use super::Failure;
use super::doorway::Doorway;
use crate::election::Elections;
use crate::history::{self, History};
use crate::home::Home;
use crate::ledger;
use crate::proxies::Proxies;

/// What has to be closed.
pub(super) struct Last {
    pub(super) elections: Elections,
    /// The groups' stories.
    pub(super) writing: ledger::Writing,
    /// This node's events, on the disk.
    pub(super) diary: history::Writing,
    pub(super) history: History,
    pub(super) doorway: Doorway,
    /// They carry clients until the others have what was written last.
    pub(super) proxies: Proxies,
    /// No other agent of this node runs while it is open.
    pub(super) home: Home,
}

impl Last {
    /// Closes all of it. Each of them takes a bounded time; the store's own part comes last, as the others write there.
    pub(super) async fn close(self) {
        self.elections.close().await;
        self.writing.finish().await;
        self.diary.finish(self.history.newest()).await;
        if let Some(embedded) = &self.doorway.embedded {
            embedded.leave().await;
        }
        drop((self.proxies, self.doorway, self.home));
    }
}

/// In order; or why not, and what would be right.
pub(super) fn said(exit: Exit) -> Result<(), Failure> {
    match exit {
        Exit::Stopped => {
            tracing::info!("stopped");
            Ok(())
        }
        Exit::NameTaken { address } => Err(Failure(format!(
            "this name is taken: another agent of that name is alive at {address}\n       \
             Names must be unique in a cluster. Change [node] name, or stop the other agent."
        ))),
        Exit::LeaderThere(group, node) => Err(Failure(format!(
            "{group} has a leader already, {node}, and this node is to start as the leader: mode = \"leader\"\n       \
             Take mode = \"auto\" to stand by, or stop {node} first."
        ))),
        Exit::NoLeader(group) => Err(Failure(format!(
            "{group} has no leader, and this node is to start as a standby: mode = \"standby\" or \"hot-standby\"\n       \
             Start a member with mode = \"auto\" or \"leader\" first, or this one."
        ))),
        Exit::Unlike { group, what, own, node, theirs } => Err(Failure(format!(
            "members of {group} must agree on their {what}: this node's is \"{own}\", {node}'s is \"{theirs}\"\n       \
             Give both the same {what}, or this one another group id."
        ))),
        Exit::NoGuard(why) => Err(Failure(format!("no guard could be started: {why}"))),
    }
}
