//! Members that were dead for `[cluster] forget` are removed by themselves (`amp_12`): an act like any other, on record, by
//! whoever leads the group. It ends with the loop.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hotseat_core::{GroupId, NodeName};
use tokio::sync::watch;
use tokio::time::sleep;

use super::change::Verb;
use super::desk::Orders;
use crate::records::Records;
use crate::snapshot::Snapshot;

/// Looks while one such time goes by: it may be that much too late.
const LOOKS: u32 = 20;

/// Between two looks at the most, and at the least.
const PACE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Who asks for it, on record.
const WHO: &str = "hotseat";

/// Works until the loop ends.
pub(super) async fn forget(orders: Orders, records: Records, shown: watch::Receiver<Arc<Snapshot>>, after: Duration) {
    let reason = format!("dead for longer than [cluster] forget = {after:?}");
    while shown.has_changed().is_ok() {
        sleep((after / LOOKS).clamp(PACE.0, PACE.1)).await;
        let dead: Vec<_> = orders.dead().into_iter().filter(|node| is_over(&records, node, after)).collect();
        for (group, node) in removals(&shown, &dead) {
            let asked = orders.act(&group, &Verb::Remove(node.clone()), WHO, Some(reason.clone())).await;
            if let Err(objection) = asked {
                tracing::debug!("{node} is not removed from {group} yet: {objection:?}");
            }
        }
    }
}

/// The groups that this node leads, each with those of its members that are dead for long enough.
fn removals(shown: &watch::Receiver<Arc<Snapshot>>, dead: &[NodeName]) -> Vec<(GroupId, NodeName)> {
    let snapshot = Arc::clone(&shown.borrow());
    let mut all = Vec::new();
    for group in snapshot.view.groups.iter().filter(|group| snapshot.leads(group)) {
        let gone = dead.iter().filter(|node| group.members.iter().any(|member| member.node == **node));
        all.extend(gone.map(|node| (group.id.clone(), node.clone())));
    }
    all
}

/// Whether the node's session ended so long ago, by the wall clocks of whoever wrote that and of this machine.
fn is_over(records: &Records, node: &NodeName, after: Duration) -> bool {
    let ended = records.ended(node).and_then(|at| humantime::parse_rfc3339(&at).ok());
    ended.is_some_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age >= after))
}
