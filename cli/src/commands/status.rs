//! `hotseat status`: who leads, is it safe, what is wrong.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use hotseat_client::Client;

use super::{Failed, Result, explain, small_runtime, whole};
use crate::args::Status;
use crate::fit::{window, wrap};
use crate::picture;
use crate::say::{say, say_as_it_is};

/// Between two pictures of `--watch`.
const PACE: Duration = Duration::from_millis(500);

pub(crate) fn run(args: &Status) -> Result {
    small_runtime()?.block_on(async {
        let client = args.target.client()?;
        if !args.watch {
            say(picture(&client, args.json).await?)?;
            return Ok(ExitCode::SUCCESS);
        }
        watch(&client, args.json).await
    })
}

/// Draws for ever: in its place on a terminal, one below the other elsewhere.
async fn watch(client: &Client, json: bool) -> Result {
    let in_place = std::io::stdout().is_terminal();
    if in_place {
        say_as_it_is("\x1b[2J")?;
    }
    loop {
        // What cannot be asked is not shown as it was: nothing stale may look alive.
        let shown = picture(client, json).await.unwrap_or_else(|failed| format!("error: {}\n", failed.text));
        let at = humantime::format_rfc3339_seconds(std::time::SystemTime::now());
        match window().filter(|_| in_place) {
            Some(size) => {
                say_as_it_is(drawn(&format!("{shown}\n{} asked at {at} · Ctrl-C ends\n", client.url()), size))?
            }
            None => say(shown)?,
        }
        tokio::time::sleep(PACE).await;
    }
}

/// Home, then over what was there, then clear what is below: no flicker. What is too long goes on below, as the end of a
/// line may be the command that helps; what does not fit then is left out, or it would scroll.
fn drawn(text: &str, (width, height): (usize, usize)) -> String {
    let lines = text.lines().flat_map(|line| wrap(line, width)).take(height.saturating_sub(1));
    let lines: String = lines.map(|line| line + "\x1b[K\n").collect();
    format!("\x1b[H{lines}\x1b[J")
}

async fn picture(client: &Client, json: bool) -> std::result::Result<String, Failed> {
    if json {
        // What this one agent answers, and nothing else.
        return Ok(serde_json::to_string_pretty(&client.cluster().await.map_err(explain)?)? + "\n");
    }
    Ok(picture::status(&whole::cluster(client).await.map_err(explain)?))
}
