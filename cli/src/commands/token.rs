//! `hotseat token`: who may do what.

use std::process::ExitCode;
use std::time::Duration;

use comfy_table::{Table, presets};
use hotseat_client::Token as Info;

use super::{Failed, Result, explain, small_runtime};
use crate::args::{Look, Target, Token, TokenAct};
use crate::picture::moment::moment;
use crate::say::{say, say_line};

pub(crate) fn run(args: &Token) -> Result {
    small_runtime()?.block_on(async {
        match &args.act {
            TokenAct::Create { name, right, expires, target, json } => {
                create(target, name, right, *expires, *json).await
            }
            TokenAct::List { look } => list(look).await,
            TokenAct::Revoke { name, target, json } => revoke(target, name, *json).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

type Done = std::result::Result<(), Failed>;

async fn create(target: &Target, name: &str, right: &str, good: Option<Duration>, json: bool) -> Done {
    let client = target.client()?;
    let first = client.tokens().await.map_err(explain)?.is_empty();
    let made = client.create_token(name, right, good).await.map_err(explain)?;
    if json {
        return say_line(serde_json::to_string(&made)?);
    }
    // The text alone on standard output: it goes into a file, or to a secret store.
    say_line(&made.token)?;
    let until = made.about.expires.map_or_else(String::new, |end| format!(", until {}", moment(&end)));
    eprintln!("{name} may do what \"{right}\" lets{until}. Keep it: nobody can tell it again.");
    if first {
        eprintln!(
            "It is the first: from now on every agent of this cluster wants to see a token, on its own machine too.\n\
             Commands that root runs there need none (--url unix:DATA_DIR, where data_dir is not the usual one)."
        );
    }
    if first && right != "admin" {
        eprintln!("Nobody has a token of an administrator yet: only root at a node can make or revoke tokens.");
    }
    Ok(())
}

async fn list(look: &Look) -> Done {
    let tokens = look.target.client()?.tokens().await.map_err(explain)?;
    if look.json {
        return say(serde_json::to_string_pretty(&tokens)? + "\n");
    }
    if tokens.is_empty() {
        return say_line("no tokens: every agent answers its own machine, and whoever is there may do everything");
    }
    say_line(table(&tokens).trim_fmt())
}

fn table(tokens: &[Info]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["NAME", "RIGHT", "MADE", "BY", "EXPIRES"]);
    for token in tokens {
        let end = token.expires.as_deref().map_or_else(|| String::from("never"), moment);
        let end = if token.expired { format!("{end} (over)") } else { end.to_owned() };
        table.add_row([&token.name, &token.right, &token.made, &token.by, &end]);
    }
    table
}

async fn revoke(target: &Target, name: &str, json: bool) -> Done {
    target.client()?.revoke_token(name).await.map_err(explain)?;
    if json {
        return say_line(serde_json::json!({"revoked": name}));
    }
    say_line(format!("{name} is revoked: within a second its token is worth nothing on any node"))
}
