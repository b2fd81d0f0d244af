//! `hotseat sync`: the versions of a group's files that the leader has sent; brings one back, has the leader send.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use hotseat_client::{Client, Sync as Files};

use super::{Failed, Result, explain, small_runtime, switchover};
use crate::args::{Look, Send, Sync, Target};
use crate::picture;
use crate::say::{length, say, say_line};

/// Between two looks while members put a version in place.
const PACE: Duration = Duration::from_millis(200);

pub(crate) fn run(act: &Sync) -> Result {
    small_runtime()?.block_on(async {
        match act {
            Sync::List { look, group } => list(look, group.as_deref()).await,
            Sync::Push(send) => push(send).await,
            Sync::Rollback { to, send } => roll_back(*to, send).await,
        }
    })
}

async fn list(look: &Look, group: Option<&str>) -> Result {
    let (client, group) = group_at(&look.target, group).await?;
    let files = client.sync(&group).await.map_err(explain)?;
    say(if look.json { serde_json::to_string_pretty(&files)? + "\n" } else { picture::versions(&files) })?;
    Ok(ExitCode::SUCCESS)
}

async fn group_at(target: &Target, group: Option<&str>) -> std::result::Result<(Client, String), Failed> {
    let client = target.client()?;
    let cluster = client.cluster().await.map_err(explain)?;
    let group = switchover::pick(&cluster, group)?.id.clone();
    Ok((client, group))
}

async fn push(send: &Send) -> Result {
    let (client, group) = group_at(&send.target, send.group.as_deref()).await?;
    let before = newest(&client.sync(&group).await.map_err(explain)?);
    let pushed = client.push(&group, send.reason.clone()).await.map_err(explain)?;
    let started = Instant::now();
    while started.elapsed() < send.wait {
        let files = client.sync(&group).await.map_err(explain)?;
        if newest(&files) > before {
            return everywhere(&client, &group, newest(&files), send).await;
        }
        // The leader has looked, and there was nothing to send.
        if files.edits > pushed.edits && !files.asked {
            say_line(done(send.json, &group, before, "there was nothing to send"))?;
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(PACE).await;
    }
    let files = client.sync(&group).await.map_err(explain)?;
    let why = files.held.unwrap_or_else(|| String::from("the leader has not sent anything; see hotseat sync list"));
    Err(Failed::new(format!("{group}: nothing new after {}: {why}", length(send.wait))))
}

async fn roll_back(to: u64, send: &Send) -> Result {
    let (client, group) = group_at(&send.target, send.group.as_deref()).await?;
    let version = client.roll_back(&group, to, send.reason.clone()).await.map_err(explain)?;
    everywhere(&client, &group, version.number, send).await
}

/// Waits until every member that is here has this version in place.
async fn everywhere(client: &Client, group: &str, version: u64, send: &Send) -> Result {
    let started = Instant::now();
    let mut late = Vec::new();
    while started.elapsed() < send.wait {
        let files = client.sync(group).await.map_err(explain)?;
        let behind = files.nodes.iter().filter(|node| node.version < version);
        late = behind.map(|node| (node.node.clone(), node.trouble.clone())).collect();
        if late.is_empty() && newest(&files) >= version {
            say_line(done(send.json, group, version, &format!("in place on {} members", files.nodes.len())))?;
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(PACE).await;
    }
    let late: Vec<_> =
        late.into_iter().map(|(node, why)| format!("{node} ({})", why.as_deref().unwrap_or("under way"))).collect();
    Err(Failed::new(format!(
        "{group}: version {version} is in force, and after {} not in place on {}",
        length(send.wait),
        late.join(", ")
    )))
}

fn newest(files: &Files) -> u64 {
    files.versions.last().map_or(0, |version| version.number)
}

fn done(json: bool, group: &str, version: u64, what: &str) -> String {
    if json {
        return serde_json::json!({"group": group, "version": version, "outcome": what}).to_string();
    }
    format!("{group}: version {version}: {what}")
}
