//! `hotseat status`: who leads, is it safe, what is wrong.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use hotseat_client::Client;

use super::{Failed, Result, explain, small_runtime, whole};
use crate::args::Status;
use crate::picture;
use crate::say::say;

/// Between two pictures of `--watch`.
const PACE: Duration = Duration::from_millis(500);

pub(crate) fn run(args: &Status) -> Result {
    small_runtime()?.block_on(async {
        let client = Client::new(&args.target.url).map_err(explain)?;
        if !args.watch {
            say(picture(&client, args.json).await?)?;
            return Ok(ExitCode::SUCCESS);
        }
        let in_place = std::io::stdout().is_terminal();
        if in_place {
            say("\x1b[2J")?;
        }
        loop {
            let shown = picture(&client, args.json).await.unwrap_or_else(|failed| format!("error: {}\n", failed.text));
            // Home, then clear what is below: no flicker.
            let drawn = || format!("\x1b[H{}\x1b[J", shown.replace('\n', "\x1b[K\n"));
            say(if in_place { drawn() } else { shown.clone() })?;
            tokio::time::sleep(PACE).await;
        }
    })
}

async fn picture(client: &Client, json: bool) -> std::result::Result<String, Failed> {
    if json {
        // What this one agent answers, and nothing else.
        return Ok(serde_json::to_string_pretty(&client.cluster().await.map_err(explain)?)? + "\n");
    }
    Ok(picture::status(&whole::cluster(client).await.map_err(explain)?))
}
