//! `hotseat nodes`: every member of every group, one a line.

use std::process::ExitCode;

use super::switchover::pick;
use super::{Result, explain, small_runtime};
use crate::args::Nodes;
use crate::picture::{self, controllers};
use crate::say::{say, say_line};

pub(crate) fn run(args: &Nodes) -> Result {
    let mut cluster = small_runtime()?.block_on(async {
        let client = args.target.client()?;
        client.cluster().await.map_err(explain)
    })?;
    if args.group.is_some() {
        cluster.groups = vec![pick(&cluster, args.group.as_deref())?.clone()];
    }
    if args.json {
        say_line(serde_json::to_string_pretty(&cluster.groups)?)?;
    } else if args.long {
        say(controllers::long(&cluster, !args.no_header))?;
    } else if args.stat {
        say(controllers::stat(&cluster))?;
    } else {
        let table = picture::members(&cluster);
        let rows = if args.no_header { table.split_once('\n').map_or("", |(_, rows)| rows) } else { &table };
        say_line(rows)?;
    }
    Ok(ExitCode::SUCCESS)
}
