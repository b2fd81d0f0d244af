//! How the story of a group looks in a terminal. Every number in it was measured by an agent; it only draws.

use std::time::Duration;

use hotseat_client::in_words;
use hotseat_client::story::{Choice, Leadership, Phase, Spared, Story};

use super::moment::moment;

/// Spared changes that are shown beside the newest leadership.
const SPARED_SHOWN: usize = 5;

/// `hotseat explain`: one leadership, and, if none was asked for, how things are now.
pub(crate) fn explain(story: &Story, epoch: Option<u64>) -> String {
    let mut text = String::new();
    if let Some(why) = &story.stale {
        text += &format!("The store does not answer ({why}); this is what {} remembers.\n", story.node);
    }
    let before = |it: &Leadership| story.leaderships.iter().find(|other| other.epoch + 1 == it.epoch);
    let one = match epoch {
        Some(epoch) => story.leaderships.iter().find(|it| it.epoch == epoch),
        None => story.leaderships.last(),
    };
    match one {
        Some(one) => text += &leadership(one, before(one)),
        None => text += &format!("Nobody has written down a leadership of {} yet.\n", story.group),
    }
    if epoch.is_none() {
        text += "\n";
        text += &present(story);
    }
    // What an earlier leadership was spared says nothing of how things are now.
    let shown = epoch.unwrap_or(story.now.epoch);
    let spared = story.spared.iter().filter(|it| it.epoch == shown);
    for spared in spared.rev().take(SPARED_SHOWN) {
        text += &not(spared);
    }
    text
}

/// `hotseat explain --all`: one line each.
pub(crate) fn list(story: &Story) -> String {
    let line = |it: &Leadership| format!("{}\n", headline(it));
    story.leaderships.iter().map(line).collect()
}

fn leadership(it: &Leadership, before: Option<&Leadership>) -> String {
    let mut text = headline(it) + "\n";
    if let Some(end) = before.and_then(|before| before.ended.as_ref()).filter(|end| !end.phases.is_empty()) {
        text += &format!("  the end of the old one, by the clock of {}:\n", end.by);
        text += &phases(&end.phases);
        text += &format!("  the rise of the new one, by the clock of {}:\n", it.node.as_deref().unwrap_or("?"));
    }
    text += &phases(&it.phases);
    for wait in &it.waits {
        let clients = if wait.clients == 1 { "1 was".to_owned() } else { format!("{} were", wait.clients) };
        text += &format!(
            "  clients of the proxy on {}: {clients} held, the longest {}\n",
            wait.node,
            millis(wait.longest_ms)
        );
    }
    for choice in &it.candidates {
        let mark = if choice.chosen { "chosen" } else { "not" };
        text += &format!("  {:10} {mark:6}  {}\n", choice.node, why(choice));
    }
    if let Some(act) = it.act {
        text += &format!("It was ordered by act {act}: see hotseat acts.\n");
    }
    if !it.cause.is_empty() {
        text += &format!("Cause: {}.\n", it.cause);
    }
    if let (Some(back), Some(from)) = (&it.back, &it.from) {
        text += &format!("{from} came back at {} as {}.\n", moment(&back.at), back.state);
    }
    if let Some(end) = &it.ended {
        text += &format!("It ended at {}: {} ({} says so).\n", moment(&end.at), end.reason, end.by);
    }
    if let Some(by) = &it.filled_in_by {
        text += &format!("Filled in by {by}: what is missing here is not known.\n");
    }
    text
}

fn headline(it: &Leadership) -> String {
    let node = it.node.as_deref().unwrap_or("somebody");
    let what = match (&it.from, it.planned) {
        (Some(from), _) if from == node => format!("{node} leads again"),
        (Some(from), true) => format!("{node} took over from {from} as planned"),
        (Some(from), false) => format!("{node} took over from {from}"),
        (None, _) => format!("{node} led"),
    };
    let began = it.began.as_deref().map_or_else(|| String::from("when is not known"), moment);
    let waited = it.waits.iter().map(|wait| wait.longest_ms).max();
    let waited = waited.map(|ms| format!(" · clients waited {}", millis(ms))).unwrap_or_default();
    let outage = outage(it).map(|words| format!(" · {words}")).unwrap_or_default();
    format!("Epoch {} · {what} · {began} · {}{waited}{outage}", it.epoch, it.reason)
}

fn phases(phases: &[Phase]) -> String {
    let line = |phase: &Phase| match phase.at_ms {
        Some(at) => format!("{:>11}  {}\n", millis(at), phase.note),
        None => format!("  not known  {}\n", phase.note),
    };
    phases.iter().map(line).collect()
}

fn present(story: &Story) -> String {
    let now = &story.now;
    let mut text = match &now.leader {
        Some(leader) if now.serving => format!("Now: {leader} leads {}, epoch {}.\n", story.group, now.epoch),
        Some(leader) => format!("Now: {leader} leads {}, epoch {}, not ready.\n", story.group, now.epoch),
        None => format!("Now: NOBODY LEADS {}, the last epoch was {}. Why not:\n", story.group, now.epoch),
    };
    for member in &now.members {
        text += &format!("  {:10} {}\n", member.node, why(member));
    }
    for remark in &now.remarks {
        text += &format!("  {remark}\n");
    }
    text
}

fn not(it: &Spared) -> String {
    let times = if it.times > 1 { format!(", {} times", it.times) } else { String::new() };
    let lasted = it.lasted_ms.map(|ms| format!(", {}", millis(ms))).unwrap_or_default();
    let when = format!("It did NOT change at {} (epoch {}{lasted}{times}): ", moment(&it.at), it.epoch);
    format!("{when}{} · seen by {}\n", it.text, it.seen_by.join(", "))
}

/// How long nobody led, where anybody knows.
fn outage(it: &Leadership) -> Option<String> {
    let Some(ms) = it.outage_ms else {
        let lost = it.from.is_some() && !it.planned;
        return lost.then(|| String::from("how long nobody led is not known"));
    };
    Some(match (&it.outage_by, it.outage_about) {
        (_, true) => format!("about {} without a leader, by two machines' clocks", millis(ms)),
        (Some(by), false) => format!("at most {} without a leader, as {by} saw it", millis(ms)),
        (None, false) => format!("at most {} without a leader", millis(ms)),
    })
}

/// The name stands beside it already.
fn why(choice: &Choice) -> &str {
    choice.why.strip_prefix(choice.node.as_str()).and_then(|rest| rest.strip_prefix(' ')).unwrap_or(&choice.why)
}

fn millis(ms: u64) -> String {
    in_words(Duration::from_millis(ms))
}
