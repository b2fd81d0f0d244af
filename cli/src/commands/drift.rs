//! `hotseat drift`: files that should be the same on all members of a group and are not.

use std::process::ExitCode;

use hotseat_client::{Client, Cluster, Error};

use super::{Failed, Result, explain, small_runtime, switchover};
use crate::args::Drift;
use crate::picture;
use crate::say::say;

pub(crate) fn run(args: &Drift) -> Result {
    small_runtime()?.block_on(async {
        let client = args.target.client()?;
        let mut cluster = client.cluster().await.map_err(explain)?;
        if let Some(path) = &args.diff {
            let group = &switchover::pick(&cluster, args.group.as_deref())?.id;
            let found = client.differences(group, path).await.map_err(explain)?;
            say(if args.json {
                serde_json::to_string_pretty(&found)? + "\n"
            } else {
                picture::differences(path, &found)
            })?;
            return Ok(ExitCode::SUCCESS);
        }
        if args.group.is_some() {
            let group = switchover::pick(&cluster, args.group.as_deref())?.clone();
            cluster.groups = vec![group];
        }
        if args.json {
            say(json(&cluster)?)?;
        } else if cluster.groups.iter().all(|group| group.drift.is_empty()) {
            say(same(&client, &cluster).await?)?;
        } else {
            say(picture::drift(&cluster))?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Nothing differs; what nobody compares is not the same for that.
async fn same(client: &Client, cluster: &Cluster) -> std::result::Result<String, Failed> {
    let (mut compared, mut text) = (0, String::new());
    for group in &cluster.groups {
        match client.sync(&group.id).await {
            Ok(_) => compared += 1,
            Err(Error::Refused(refusal)) => text += &format!("{}\n", refusal.error),
            Err(error) => return Err(explain(error)),
        }
    }
    if compared > 0 {
        text += "no drift: what is compared is the same on all members that are here\n";
    }
    Ok(text)
}

fn json(cluster: &Cluster) -> std::result::Result<String, serde_json::Error> {
    let groups: serde_json::Map<_, _> =
        cluster.groups.iter().map(|group| (group.id.clone(), serde_json::json!(group.drift))).collect();
    Ok(serde_json::to_string_pretty(&groups)? + "\n")
}
