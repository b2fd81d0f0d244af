//! `hotseat remove`: nodes that are dead, and will not come back, are members no more.

use std::process::ExitCode;

use hotseat_client::Dismiss;

use super::{Result, explain, small_runtime};
use crate::args::Leave;
use crate::say::say_line;

pub(crate) fn run(args: &Leave) -> Result {
    let which = Dismiss { node: args.node.clone(), dead: args.dead, reason: args.reason.clone() };
    small_runtime()?.block_on(async {
        let client = args.target.client()?;
        let dismissed = client.dismiss(&which).await.map_err(explain)?;
        if args.json {
            say_line(serde_json::to_string(&dismissed)?)?;
        } else {
            say_line(match (dismissed.removed.as_slice(), dismissed.already.as_slice()) {
                ([], []) => String::from("no node is dead"),
                ([], already) => format!("already removed: {}", already.join(", ")),
                (removed, _) => format!("removed: {}", removed.join(", ")),
            })?;
        }
        if !args.json && !dismissed.belong.is_empty() {
            let who = dismissed.belong.join(", ");
            say_line(format!("still in the cluster: {who}; for good out of it: hotseat members remove NODE"))?;
        }
        Ok(ExitCode::SUCCESS)
    })
}
