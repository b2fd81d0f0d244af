//! `hotseat members`: who belongs to an embedded cluster, and who votes; lets nodes in and takes them out.

mod removal;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use hotseat_client::Client;
use removal::Removal;

use super::{Result, explain, small_runtime};
use crate::args::{Look, Members, MembersAct};
use crate::picture;
use crate::say::{say, say_line};

pub(crate) fn run(args: &Members) -> Result {
    small_runtime()?.block_on(async {
        match &args.act {
            None => list(&args.look).await,
            Some(MembersAct::Invite { target, good, json }) => {
                let client = target.client()?;
                let invitation = client.invite(*good).await.map_err(explain)?;
                let text = if *json { serde_json::to_string(&invitation)? } else { invitation.token };
                say_line(text)?;
                Ok(ExitCode::SUCCESS)
            }
            Some(MembersAct::Remove { node, target, wait, json }) => {
                remove(&target.client()?, node, *wait, *json).await
            }
        }
    })
}

async fn list(look: &Look) -> Result {
    let roll = look.target.client()?.members().await.map_err(explain)?;
    say(if look.json { serde_json::to_string_pretty(&roll)? + "\n" } else { picture::roll(&roll) })?;
    Ok(ExitCode::SUCCESS)
}

async fn remove(client: &Client, node: &str, wait: Duration, json: bool) -> Result {
    let left = Removal::new(client, node, Instant::now()).carry_out(wait).await?;
    let voters = left.as_ref().map(|roll| roll.members.iter().filter(|seat| seat.state == "voter").count());
    if json {
        say_line(serde_json::json!({"removed": node, "voters": voters}))?;
        return Ok(ExitCode::SUCCESS);
    }
    let warning = left.and_then(|roll| roll.warning).map_or_else(String::new, |it| format!("\n  warning: {it}"));
    say_line(match voters {
        Some(voters) => format!("{node} is out; {voters} voters are left{warning}"),
        None => format!("{node} is out, and its agent has stopped; see hotseat members on another member"),
    })?;
    Ok(ExitCode::SUCCESS)
}
