//! `hotseat switchover`: asks the leader to hand over, wherever it is, and waits until the new one serves.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use hotseat_client::{Client, Cluster, Error, Group};

use super::{Failed, Result, explain, small_runtime};
use crate::args::Switchover;
use crate::say::{length, say_line};

/// Between two looks at the cluster while waiting.
const PACE: Duration = Duration::from_millis(10);

pub(crate) fn run(args: &Switchover) -> Result {
    small_runtime()?.block_on(async {
        let client = Client::new(&args.target.url).map_err(explain)?;
        let cluster = client.cluster().await.map_err(explain)?;
        let before = pick(&cluster, args.group.as_deref())?.clone();
        let started = Instant::now();
        ask(client.clone(), &before, args.to.as_deref()).await?;
        let after = wait(&client, &before, args.wait).await?;
        report(args, &before, &after, started.elapsed())?;
        Ok(ExitCode::SUCCESS)
    })
}

/// The group of this id, or the only one.
pub(super) fn pick<'a>(cluster: &'a Cluster, id: Option<&str>) -> std::result::Result<&'a Group, Failed> {
    let ids: Vec<_> = cluster.groups.iter().map(|group| group.id.as_str()).collect();
    match (id, cluster.groups.as_slice()) {
        (None, [only]) => Ok(only),
        (_, []) => Err(Failed::new(format!("node {} has no group", cluster.node))),
        (None, _) => Err(Failed::new(format!("say which group with --group: {}", ids.join(", ")))),
        (Some(id), groups) => groups
            .iter()
            .find(|group| group.id == id)
            .ok_or_else(|| Failed::new(format!("no group \"{id}\" at {}; there is: {}", cluster.node, ids.join(", ")))),
    }
}

/// Asks where the leader is; once more where that agent points to.
async fn ask(client: Client, group: &Group, to: Option<&str>) -> std::result::Result<(), Failed> {
    match client.switchover(&group.id, to).await {
        Err(Error::Refused(refusal)) if refusal.leader.as_deref().is_some_and(|leader| leader != client.url()) => {
            let leader = refusal.leader.unwrap_or_default();
            Client::new(&leader).map_err(explain)?.switchover(&group.id, to).await.map_err(explain)
        }
        other => other.map_err(explain),
    }
}

async fn wait(client: &Client, before: &Group, limit: Duration) -> std::result::Result<Group, Failed> {
    let started = Instant::now();
    while started.elapsed() < limit {
        if let Ok(cluster) = client.cluster().await
            && let Some(group) = cluster.groups.into_iter().find(|group| group.id == before.id)
            && group.epoch > before.epoch
            && group.serving
        {
            return Ok(group);
        }
        tokio::time::sleep(PACE).await;
    }
    Err(Failed::new(format!(
        "{} has no new leader after {}; see: hotseat events --url {}",
        before.id,
        length(limit),
        client.url()
    )))
}

fn report(args: &Switchover, before: &Group, after: &Group, took: Duration) -> std::result::Result<(), Failed> {
    let (old, new) = (before.leader.as_deref().unwrap_or("nobody"), after.leader.as_deref().unwrap_or("nobody"));
    let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if args.json {
        let json =
            serde_json::json!({"group": after.id, "from": old, "to": new, "epoch": after.epoch, "took_ms": took});
        return say_line(json);
    }
    say_line(format!("{}: {old} → {new}, epoch {}, in {took} ms", after.id, after.epoch))
}
