//! `hotseat members`: who belongs to an embedded cluster, and who votes; lets nodes in and takes them out.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use hotseat_client::{Client, Error, Roll};

use super::{Failed, Result, explain, small_runtime};
use crate::args::{Look, Members, MembersAct};
use crate::picture;
use crate::say::{length, say, say_line};

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
    let until = Instant::now() + wait;
    ask(&client, node, until).await?;
    let roll = gone(&client, node, wait, until).await?;
    let voters = roll.members.iter().filter(|seat| seat.state == "voter").count();
    if json {
        say_line(serde_json::json!({"removed": node, "voters": voters}))?;
    } else {
        let warning = roll.warning.map_or_else(String::new, |warning| format!("\n  warning: {warning}"));
        say_line(format!("{node} is out; {voters} voters are left{warning}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks until it is granted: there may be no majority at the moment.
async fn ask(client: &Client, node: &str, until: Instant) -> std::result::Result<(), Failed> {
    loop {
        match client.remove(node).await {
            Err(Error::Refused(refusal)) if refusal.again && Instant::now() < until => tokio::time::sleep(PACE).await,
            asked => return asked.map_err(explain),
        }
    }
}

/// Waits until the node neither votes nor follows.
async fn gone(client: &Client, node: &str, wait: Duration, until: Instant) -> std::result::Result<Roll, Failed> {
    while Instant::now() < until {
        // The agent asked may be the very one that goes.
        if let Ok(roll) = client.members().await
            && !roll.members.iter().any(|seat| seat.node == node)
        {
            return Ok(roll);
        }
        tokio::time::sleep(PACE).await;
    }
    Err(Failed::new(format!(
        "{node} is not out after {}; it goes on: see hotseat members --url {}",
        length(wait),
        client.url()
    )))
}
