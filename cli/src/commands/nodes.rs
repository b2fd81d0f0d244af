//! `hotseat nodes`: every member of every group, one a line.

use std::process::ExitCode;

use hotseat_client::Client;

use super::{Result, explain, small_runtime};
use crate::args::Look;
use crate::picture;
use crate::say::say_line;

pub(crate) fn run(args: &Look) -> Result {
    let cluster = small_runtime()?.block_on(async {
        let client = Client::new(&args.target.url).map_err(explain)?;
        client.cluster().await.map_err(explain)
    })?;
    if args.json {
        say_line(serde_json::to_string_pretty(&cluster.groups)?)?;
    } else {
        say_line(picture::members(&cluster))?;
    }
    Ok(ExitCode::SUCCESS)
}
