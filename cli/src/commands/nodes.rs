//! `hotseat nodes`: every member of every group, one a line.

use std::process::ExitCode;

use hotseat_client::Client;

use super::{Result, explain, small_runtime};
use crate::args::Look;
use crate::picture;

pub(crate) fn run(args: &Look) -> Result {
    let cluster = small_runtime()?.block_on(async {
        let client = Client::new(&args.target.url).map_err(explain)?;
        client.cluster().await.map_err(explain)
    })?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&cluster.groups)?);
    } else {
        println!("{}", picture::members(&cluster));
    }
    Ok(ExitCode::SUCCESS)
}
