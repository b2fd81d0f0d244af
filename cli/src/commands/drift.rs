//! `hotseat drift`: files that should be the same on all members of a group and are not.

use std::process::ExitCode;

use hotseat_client::Cluster;

use super::{Result, explain, small_runtime, switchover};
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
        say(if args.json { json(&cluster)? } else { picture::drift(&cluster) })?;
        Ok(ExitCode::SUCCESS)
    })
}

fn json(cluster: &Cluster) -> std::result::Result<String, serde_json::Error> {
    let groups: serde_json::Map<_, _> =
        cluster.groups.iter().map(|group| (group.id.clone(), serde_json::json!(group.drift))).collect();
    Ok(serde_json::to_string_pretty(&groups)? + "\n")
}
