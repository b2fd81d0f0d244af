//! `hotseat status`: who leads, is it safe, what is wrong.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use hotseat_client::Client;

use super::{Result, explain, small_runtime};
use crate::args::Status;
use crate::picture;

/// Between two pictures of `--watch`.
const PACE: Duration = Duration::from_millis(500);

pub(crate) fn run(args: &Status) -> Result {
    small_runtime()?.block_on(async {
        let client = Client::new(&args.target.url).map_err(explain)?;
        loop {
            let picture = client.cluster().await.map_err(explain).and_then(|cluster| {
                Ok(if args.json { serde_json::to_string_pretty(&cluster)? + "\n" } else { picture::status(&cluster) })
            });
            if !args.watch {
                print!("{}", picture?);
                return Ok(ExitCode::SUCCESS);
            }
            let shown = picture.unwrap_or_else(|failed| format!("error: {}\n", failed.text));
            // Home, then clear what is below: no flicker.
            print!("\x1b[H{}\x1b[J", shown.replace('\n', "\x1b[K\n"));
            std::io::stdout().flush()?;
            tokio::time::sleep(PACE).await;
        }
    })
}
