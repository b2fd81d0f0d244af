//! The cluster as one agent sees it, completed by what only the leaders' own agents know: whether the addresses that
//! follow a leader are there.

use std::time::Duration;

use futures_util::future::join_all;
use hotseat_client::{Client, Cluster, Error, Group};
use tokio::time::timeout;

/// An agent answers from memory. Who monitors waits ten seconds for a plugin, often less.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// Asks an agent, and the leaders' own.
///
/// # Errors
/// When the first one cannot be asked. What a leader's agent does not tell stays unknown.
pub(super) async fn cluster(client: &Client) -> Result<Cluster, Error> {
    let mut cluster = client.cluster().await?;
    let told = join_all(cluster.groups.iter().map(|group| of_leader(client, &cluster, group))).await;
    for (group, told) in cluster.groups.iter_mut().zip(told) {
        if let Some(told) = told {
            (group.vip, group.floating) = (told.vip, told.floating);
        }
    }
    Ok(cluster)
}

/// The group as its leader's agent shows it, if it has to be asked and says that it leads.
async fn of_leader(client: &Client, cluster: &Cluster, group: &Group) -> Option<Group> {
    let leader = group.leader.as_ref().filter(|leader| **leader != cluster.node)?;
    if group.vip.is_empty() && group.floating.is_none() {
        return None;
    }
    let member = group.members.iter().find(|member| member.node == *leader)?;
    let other = client.beside(&member.address).ok()?;
    let told = timeout(ANSWER_MAX, other.way(&group.id)).await.ok()?.ok()?;
    if told.cluster != cluster.cluster || told.node != *leader {
        return None;
    }
    told.groups.into_iter().find(|its| its.id == group.id && its.leader.as_ref() == Some(leader))
}
