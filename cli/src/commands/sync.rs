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
    let act = client.push(&group, send.reason.clone()).await.map_err(explain)?.act;
    let started = Instant::now();
    let mut files = client.sync(&group).await.map_err(explain)?;
    while started.elapsed() < send.wait {
        if let Some(version) = files.versions.iter().find(|version| version.act == Some(act)) {
            return everywhere(&client, &group, version.number, send).await;
        }
        match files.answered.as_ref().filter(|answered| answered.act == act) {
            Some(answered) if answered.ok => {
                say_line(done(send.json, &group, newest(&files), &answered.text))?;
                return Ok(ExitCode::SUCCESS);
            }
            Some(answered) => return Err(Failed::new(format!("{group}: {} (act {act})", answered.text))),
            None => tokio::time::sleep(PACE).await,
        }
        files = client.sync(&group).await.map_err(explain)?;
    }
    Err(give_up(&client, &group, act, &files, send).await)
}

/// What nobody waits for is not to be sent some day, when other files may be there or another node leads.
async fn give_up(client: &Client, group: &str, act: u64, files: &Files, send: &Send) -> Failed {
    let held = files.held.as_deref().unwrap_or("the leader has not looked at its files; see hotseat sync list");
    let end = match client.take_back(group, act).await {
        Ok(_) => format!("it was taken back: {held}"),
        Err(why) => format!("{held}\n       It could not be taken back (act {act}): {why}"),
    };
    Failed::new(format!("{group}: nothing was sent within {}, and {end}", length(send.wait)))
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
