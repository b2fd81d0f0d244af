//! `hotseat switchover`: orders a planned change, at any agent, and waits until the new leader serves.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use hotseat_client::{Client, Cluster, Group, Switchover as Body};

use super::{Failed, Result, explain, small_runtime};
use crate::args::Switchover;
use crate::say::{length, say_line};

/// Between two looks at the cluster while waiting.
const PACE: Duration = Duration::from_millis(10);

pub(crate) fn run(args: &Switchover) -> Result {
    small_runtime()?.block_on(async {
        let client = args.target.client()?;
        let cluster = client.cluster().await.map_err(explain)?;
        let before = pick(&cluster, args.group.as_deref())?.clone();
        let started = Instant::now();
        // For this leadership and no other: in doubt the same may be asked for again.
        let body = Body { to: args.to.clone(), reason: args.reason.clone(), epoch: Some(before.epoch) };
        let acted = client.act(&before.id, "switchover", &body).await.map_err(explain)?;
        let stays = acted.already && (before.leader.is_some() && before.leader == args.to);
        let act = acted.act.map(|act| act.id);
        let after = if stays { before.clone() } else { wait(&client, &before, act, args.wait).await? };
        let meant = args.to.as_ref().is_none_or(|to| after.leader.as_ref() == Some(to));
        if !meant {
            return Err(Failed::new(instead(args, &after)));
        }
        report(args, &before, &after, started.elapsed())?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Another one than was meant took over: who was to had ended meanwhile, or hangs.
fn instead(args: &Switchover, after: &Group) -> String {
    let (to, leader) = (args.to.as_deref().unwrap_or_default(), after.leader.as_deref().unwrap_or("nobody"));
    let (id, epoch) = (&after.id, after.epoch);
    format!(
        "{to} did not take over {id}: {leader} leads instead, epoch {epoch}; see hotseat explain {epoch} --group {id}"
    )
}

/// The group of this id, or the only one.
pub(super) fn pick<'a>(cluster: &'a Cluster, id: Option<&str>) -> std::result::Result<&'a Group, Failed> {
    let ids: Vec<_> = cluster.groups.iter().map(|group| group.id.as_str()).collect();
    match (id, cluster.groups.as_slice()) {
        (None, [only]) => Ok(only),
        (_, []) => Err(Failed::new(format!("node {} has no group", cluster.node))),
        (None, _) => Err(Failed::new(format!("say which group with --group: {}", ids.join(", ")))),
        (Some(id), groups) => {
            groups.iter().find(|group| group.id == id).ok_or_else(|| Failed::new(no_group(id, cluster)))
        }
    }
}

/// That there is no group of this id, and which there are.
pub(super) fn no_group(id: &str, cluster: &Cluster) -> String {
    let ids: Vec<_> = cluster.groups.iter().map(|group| group.id.as_str()).collect();
    format!("no group \"{id}\" at {}; there is: {}", cluster.node, ids.join(", "))
}

/// Waits until another leads as ordered, or the order is refused.
async fn wait(
    client: &Client,
    before: &Group,
    act: Option<u64>,
    limit: Duration,
) -> std::result::Result<Group, Failed> {
    let started = Instant::now();
    while started.elapsed() < limit {
        if let Ok(cluster) = client.cluster().await
            && let Some(group) = cluster.groups.into_iter().find(|group| group.id == before.id)
        {
            let newest = group.orders.newest.as_ref().filter(|newest| Some(newest.id) == act);
            match newest.and_then(|newest| newest.outcome.as_ref()) {
                Some(outcome) if !outcome.ok => return Err(Failed::new(&outcome.text)),
                Some(_) | None if group.epoch > before.epoch && group.serving => return Ok(group),
                Some(_) | None => {}
            }
        }
        tokio::time::sleep(PACE).await;
    }
    Err(Failed::new(format!(
        "{} has no new leader after {}; see: hotseat acts --url {}",
        before.id,
        length(limit),
        client.url()
    )))
}

fn report(args: &Switchover, before: &Group, after: &Group, took: Duration) -> std::result::Result<(), Failed> {
    let (old, new) = (before.leader.as_deref().unwrap_or("nobody"), after.leader.as_deref().unwrap_or("nobody"));
    let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if before.epoch == after.epoch && !args.json {
        return say_line(format!("{}: {new} leads already, epoch {}", after.id, after.epoch));
    }
    if args.json {
        let json =
            serde_json::json!({"group": after.id, "from": old, "to": new, "epoch": after.epoch, "took_ms": took});
        return say_line(json);
    }
    say_line(format!("{}: {old} → {new}, epoch {}, in {took} ms", after.id, after.epoch))
}
