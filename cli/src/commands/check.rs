//! `hotseat check`: one line and an exit code, as monitoring plugins have it (`amp_18`).

use std::process::ExitCode;

use hotseat_client::{Client, Cluster, Floating, Group, Vip};

use super::{Result, small_runtime, whole};
use crate::args::Check;
use crate::picture;
use crate::say::say_line;

const WORDS: [&str; 4] = ["OK", "WARNING", "CRITICAL", "UNKNOWN"];

pub(crate) fn run(args: &Check) -> Result {
    let (code, text) = match ask(args) {
        Ok(cluster) => judge(&cluster, args.group.as_deref()),
        Err(why) => (3, why),
    };
    let word = WORDS[usize::from(code)];
    if args.json {
        say_line(serde_json::json!({"code": code, "state": word, "text": text}))?;
    } else {
        say_line(format!("HOTSEAT {word} - {text}"))?;
    }
    Ok(ExitCode::from(code))
}

fn ask(args: &Check) -> std::result::Result<Cluster, String> {
    let runtime = small_runtime().map_err(|failed| failed.text)?;
    runtime.block_on(async {
        let client = Client::new(&args.target.url).map_err(|error| error.to_string())?;
        whole::cluster(&client).await.map_err(|error| error.to_string())
    })
}

fn judge(cluster: &Cluster, group: Option<&str>) -> (u8, String) {
    let groups: Vec<&Group> = cluster.groups.iter().filter(|it| group.is_none_or(|id| it.id == id)).collect();
    if groups.is_empty() {
        return (3, format!("no group {} at {}", group.unwrap_or("at all"), cluster.node));
    }
    let verdicts: Vec<(u8, String)> = groups.into_iter().map(|group| verdict(cluster, group)).collect();
    let worst = verdicts.iter().map(|(code, _)| *code).max().unwrap_or(3);
    let texts: Vec<_> = verdicts.into_iter().map(|(_, text)| text).collect();
    (worst, texts.join("; "))
}

fn verdict(cluster: &Cluster, group: &Group) -> (u8, String) {
    let (code, text) = standing(cluster, group);
    // Without a leader there is nothing to follow.
    let absent = if code < 2 { absent(group) } else { Vec::new() };
    match absent.is_empty() {
        true => (code, text),
        false => (1, format!("{text}, {}", absent.join(", "))),
    }
}

/// What follows the leader and is not there, or not surely.
fn absent(group: &Group) -> Vec<String> {
    let address = |vip: &Vip| Some(format!("address {} {}", vip.address, picture::address_trouble(group, vip)?));
    let floating = |it: &Floating| Some(format!("floating address {}", picture::floating_trouble(group, it)?));
    let addresses = group.vip.iter().filter_map(address);
    addresses.chain(group.floating.as_ref().and_then(floating)).collect()
}

fn standing(cluster: &Cluster, group: &Group) -> (u8, String) {
    let spare = cluster.can_lose(group);
    match &group.leader {
        None => (2, format!("{}: nobody leads, see hotseat status", group.id)),
        Some(leader) if !group.serving => (1, format!("{}: {leader} leads, its service is not ready", group.id)),
        Some(leader) if spare == 0 => {
            (1, format!("{}: {leader} leads, epoch {}, nobody could take over", group.id, group.epoch))
        }
        Some(leader) => (0, format!("{}: {leader} leads, epoch {}, can lose {spare} more", group.id, group.epoch)),
    }
}
