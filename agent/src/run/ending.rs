//! How the loop ended, in words for whoever started the agent.

use hotseat_core::Exit;

use super::Failure;

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
