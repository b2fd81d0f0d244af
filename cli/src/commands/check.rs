//! `hotseat check`: one line and an exit code, as monitoring plugins have it (`amp_18`).

use std::process::ExitCode;

use hotseat_client::{Cluster, Floating, Group, Vip};

use super::{Result, small_runtime, switchover, whole};
use crate::args::Check;
use crate::picture;
use crate::say::say_line;

const WORDS: [&str; 4] = ["OK", "WARNING", "CRITICAL", "UNKNOWN"];

/// The exit codes of plugins.
const OK: u8 = 0;
const WARNING: u8 = 1;
const CRITICAL: u8 = 2;
const UNKNOWN: u8 = 3;

pub(crate) fn run(args: &Check) -> Result {
    let verdict = match ask(args) {
        Ok((cluster, lost)) => judge(args, &cluster).after(lost),
        Err(why) => Verdict { code: UNKNOWN, text: why, numbers: Vec::new() },
    };
    let word = WORDS[usize::from(verdict.code)];
    let numbers = verdict.numbers.join(" ");
    if args.json {
        let json = serde_json::json!({"code": verdict.code, "state": word, "text": verdict.text, "perfdata": numbers});
        say_line(json)?;
    } else {
        // What follows the bar is performance data: none in the text.
        let (text, bar) = (verdict.text.replace('|', "/"), if numbers.is_empty() { "" } else { " | " });
        say_line(format!("HOTSEAT {word} - {text}{bar}{numbers}"))?;
    }
    Ok(ExitCode::from(verdict.code))
}

/// What is said, and how bad it is.
struct Verdict {
    code: u8,
    text: String,
    /// Performance data: `'name'=value;warning;critical;minimum`.
    numbers: Vec<String>,
}

impl Verdict {
    /// The same, when those who were to be asked first did not answer.
    fn after(self, lost: Vec<String>) -> Self {
        if lost.is_empty() {
            return self;
        }
        let text = format!("{}; {}", self.text, lost.join("; "));
        Self { code: self.code.max(WARNING), text, ..self }
    }
}

/// The first agent's picture that is to be had, and why those before it gave none.
fn ask(args: &Check) -> std::result::Result<(Cluster, Vec<String>), String> {
    let runtime = small_runtime().map_err(|failed| failed.text)?;
    let mut lost = Vec::new();
    let others = args.also.iter().map(|url| args.target.at(url));
    for target in std::iter::once(args.target.clone()).chain(others) {
        let asked = runtime.block_on(async {
            let client = target.client().map_err(|failed| failed.text)?;
            whole::cluster(&client).await.map_err(|error| error.to_string())
        });
        match asked {
            Ok(cluster) => return Ok((cluster, lost)),
            Err(why) => lost.push(why),
        }
    }
    Err(lost.join("; "))
}

fn judge(args: &Check, cluster: &Cluster) -> Verdict {
    let wanted = |group: &&Group| args.group.as_ref().is_none_or(|id| group.id == *id);
    let groups: Vec<&Group> = cluster.groups.iter().filter(wanted).collect();
    if groups.is_empty() {
        let text = match &args.group {
            Some(group) => switchover::no_group(group, cluster),
            None => format!("no group at all at {}", cluster.node),
        };
        return Verdict { code: UNKNOWN, text, numbers: Vec::new() };
    }
    let verdicts: Vec<(u8, String)> = groups.iter().map(|group| verdict(args, cluster, group)).collect();
    let code = verdicts.iter().map(|(code, _)| *code).max().unwrap_or(UNKNOWN);
    let texts: Vec<_> = verdicts.into_iter().map(|(_, text)| text).collect();
    let numbers = groups.iter().flat_map(|group| numbers(args, cluster, group)).collect();
    Verdict { code, text: texts.join("; "), numbers }
}

fn numbers(args: &Check, cluster: &Cluster, group: &Group) -> [String; 3] {
    let (id, spare) = (&group.id, cluster.can_lose(group));
    let members = group.members.iter().filter(|member| member.state != "offline").count();
    [
        format!("'{id}_spare'={spare};{}:;{}:;0", args.min_redundancy, args.critical_redundancy),
        format!("'{id}_members'={members};;;0"),
        format!("'{id}_epoch'={}c", group.epoch),
    ]
}

fn verdict(args: &Check, cluster: &Cluster, group: &Group) -> (u8, String) {
    let (code, text) = standing(args, cluster, group);
    // Without a leader there is nothing to follow.
    let absent = if code < CRITICAL { absent(group) } else { Vec::new() };
    match absent.is_empty() {
        true => (code, text),
        false => (WARNING, format!("{text}, {}", absent.join(", "))),
    }
}

/// What follows the leader and is not there, or not surely.
fn absent(group: &Group) -> Vec<String> {
    let address = |vip: &Vip| Some(format!("address {} {}", vip.address, picture::address_trouble(group, vip)?));
    let floating = |it: &Floating| Some(format!("floating address {}", picture::floating_trouble(group, it)?));
    let addresses = group.vip.iter().filter_map(address);
    addresses.chain(group.floating.as_ref().and_then(floating)).collect()
}

fn standing(args: &Check, cluster: &Cluster, group: &Group) -> (u8, String) {
    let Some(leader) = &group.leader else {
        return (CRITICAL, format!("{}: nobody leads, see hotseat status", group.id));
    };
    if !group.serving {
        return (WARNING, format!("{}: {leader} leads, its service is not ready", group.id));
    }
    let spare = cluster.can_lose(group);
    let code = match spare {
        few if few < args.critical_redundancy => CRITICAL,
        few if few < args.min_redundancy => WARNING,
        _ => OK,
    };
    let lose = match spare {
        0 if group.paused => String::from("nobody takes over while it is paused"),
        0 => String::from("nobody could take over"),
        spare => format!("can lose {spare} more"),
    };
    (code, format!("{}: {leader} leads, epoch {}, {lose}", group.id, group.epoch))
}
