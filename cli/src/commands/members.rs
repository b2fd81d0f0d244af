//! `hotseat members`: who belongs to an embedded cluster, and who votes; lets nodes in and takes them out.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use hotseat_client::{Client, Roll};

use super::{Failed, Result, explain, small_runtime};
use crate::args::{Look, Members, MembersAct};
use crate::picture;
use crate::say::{say, say_line};

/// Between two looks while waiting.
const PACE: Duration = Duration::from_millis(100);

pub(crate) fn run(args: &Members) -> Result {
    small_runtime()?.block_on(async {
        match &args.act {
            None => list(&args.look).await,
            Some(MembersAct::Invite { target, good, json }) => {
                let client = Client::new(&target.url).map_err(explain)?;
                let invitation = client.invite(*good).await.map_err(explain)?;
                let text = if *json { serde_json::to_string(&invitation)? } else { invitation.token };
                say_line(text)?;
                Ok(ExitCode::SUCCESS)
            }
            Some(MembersAct::Remove { node, target, wait, json }) => remove(&target.url, node, *wait, *json).await,
        }
    })
}

async fn list(look: &Look) -> Result {
    let roll = Client::new(&look.target.url).map_err(explain)?.members().await.map_err(explain)?;
    say(if look.json { serde_json::to_string_pretty(&roll)? + "\n" } else { picture::roll(&roll) })?;
    Ok(ExitCode::SUCCESS)
}

async fn remove(url: &str, node: &str, wait: Duration, json: bool) -> Result {
    let client = Client::new(url).map_err(explain)?;
    client.remove(node).await.map_err(explain)?;
    let roll = gone(&client, node, wait).await?;
    let voters = roll.members.iter().filter(|seat| seat.state == "voter").count();
    if json {
        say_line(serde_json::json!({"removed": node, "voters": voters}))?;
    } else {
        let warning = roll.warning.map_or_else(String::new, |warning| format!("\n  warning: {warning}"));
        say_line(format!("{node} is out; {voters} voters are left{warning}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits until the node neither votes nor follows.
async fn gone(client: &Client, node: &str, limit: Duration) -> std::result::Result<Roll, Failed> {
    let started = Instant::now();
    while started.elapsed() < limit {
        // The agent asked may be the very one that goes.
        if let Ok(roll) = client.members().await
            && !roll.members.iter().any(|seat| seat.node == node)
        {
            return Ok(roll);
        }
        tokio::time::sleep(PACE).await;
    }
    Err(Failed::new(format!(
        "{node} is not out after {limit:?}; it goes on: see hotseat members --url {}",
        client.url()
    )))
}
