//! Waits until nothing is under way to a leader whose end is announced, from whichever node it came.
//!
//! Every living member of the group is asked, this one too. Who cannot be reached, or dies meanwhile, is not waited for:
//! its proxy is as unreachable, or dead. It never takes longer than it may, and decides nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hotseat_core::{Epoch, GroupId, MemberState, NodeName};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::check;
use crate::config::Check;
use crate::snapshot::Snapshot;

/// An agent that does not accept a connection within this is not there; a busy one does.
const UNREACHABLE_AFTER: Duration = Duration::from_millis(500);

/// How a check tells of an agent that too many ask.
const MANY: &str = "→ 429";

/// Such a one is asked again after this.
const PAUSE: Duration = Duration::from_millis(200);

type Shown = watch::Receiver<Arc<Snapshot>>;

/// Returns when all members say so, or after `limit`.
pub async fn drained(group: GroupId, epoch: Epoch, limit: Duration, shown: Shown) {
    let members = members(&shown.borrow(), &group);
    let check = Check::Http { path: format!("/api/groups/{group}/drained?epoch={epoch}") };
    let asked = members.into_iter().map(|(node, address)| {
        let (check, group, shown) = (check.clone(), group.clone(), shown.clone());
        async move {
            tokio::select! {
                () = ask(&check, address, limit) => {}
                () = gone(shown, &group, &node) => {}
            }
        }
    });
    // At its limit the core goes on without an answer, which then means nothing any more.
    let _late = timeout(limit, join_all(asked)).await;
}

fn members(snapshot: &Snapshot, group: &GroupId) -> Vec<(NodeName, SocketAddr)> {
    let members = snapshot.group(group).map(|view| view.members.as_slice()).unwrap_or_default();
    let living = members.iter().filter(|member| member.state != MemberState::Offline);
    living.filter_map(|member| Some((member.node.clone(), member.address.parse().ok()?))).collect()
}

/// Whatever it answers, it has nothing more to say, as an older version does not know the question; but that it has no time
/// now is no answer.
async fn ask(check: &Check, address: SocketAddr, limit: Duration) {
    while let Ok(Ok(_there)) = timeout(UNREACHABLE_AFTER, TcpStream::connect(address)).await {
        let verdict = check::run(check, address, limit).await;
        if !verdict.detail.contains(MANY) {
            return;
        }
        sleep(PAUSE).await;
    }
}

/// Waits until the member is known to be gone.
async fn gone(mut shown: Shown, group: &GroupId, node: &NodeName) {
    let lives = |snapshot: &Arc<Snapshot>| members(snapshot, group).iter().any(|(living, _)| living == node);
    // Without a loop nobody is there to be told.
    let _gone = shown.wait_for(|snapshot| !lives(snapshot)).await;
}
