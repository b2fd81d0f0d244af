//! `hotseat acts`: who asked for what, when and why, and what came of it.

use std::process::ExitCode;

use super::switchover::pick;
use super::{Result, explain, small_runtime};
use crate::args::Acts;
use crate::picture;
use crate::say::say;

pub(crate) fn run(args: &Acts) -> Result {
    small_runtime()?.block_on(async {
        let client = args.target.client()?;
        let cluster = client.cluster().await.map_err(explain)?;
        let group = pick(&cluster, args.group.as_deref())?;
        let acts = client.acts(&group.id).await.map_err(explain)?;
        let none = || format!("nothing was ever ordered of {}\n", group.id);
        say(match (args.json, acts.as_slice()) {
            (true, acts) => serde_json::to_string_pretty(acts)? + "\n",
            (false, []) => none(),
            (false, acts) => picture::acts(acts),
        })?;
        Ok(ExitCode::SUCCESS)
    })
}
