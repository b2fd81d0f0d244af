//! How a cluster looks in a terminal. It only draws.

pub(crate) mod controllers;
mod files;
pub(crate) mod moment;
mod orders;
pub(crate) mod story;

use std::time::Duration;

use comfy_table::{Table, presets};
use hotseat_client::{Cluster, Floating, Group, LastDrill, Member, Roll, Vip, in_units};

pub(crate) use files::{differences, drift, versions};
pub(crate) use orders::acts;

/// `hotseat status`.
pub(crate) fn status(cluster: &Cluster) -> String {
    let mut text = String::new();
    let width = cluster.groups.iter().map(|group| group.id.len()).max().unwrap_or(0);
    for group in &cluster.groups {
        text += &headline(group, width);
        text += &details(cluster, group, width);
    }
    for trouble in &cluster.alerts {
        text += &format!("▲ {trouble}\n");
    }
    if cluster.groups.is_empty() {
        text += &format!("{}: node {} has no group", cluster.cluster, cluster.node);
        text += &cluster
            .store
            .voters
            .as_ref()
            .map_or_else(String::new, |it| format!(" · store raft {}/{}", it.well, it.count));
        text += "\n";
    }
    text
}

fn headline(group: &Group, width: usize) -> String {
    let since = group.since.as_deref().and_then(age).map(|age| format!(" · since {age}")).unwrap_or_default();
    let reason = if group.reason.is_empty() { String::new() } else { format!(" ({})", group.reason) };
    match &group.leader {
        Some(leader) if group.serving => {
            format!("{:width$}   ● {leader} leads · epoch {}{since}{reason}\n", group.id, group.epoch)
        }
        Some(leader) => {
            format!("{:width$}   ◐ {leader} leads, its service is not ready · epoch {}{since}\n", group.id, group.epoch)
        }
        None => {
            let why = group.barred.as_ref().map_or_else(String::new, |why| format!(" · {why}"));
            format!("{:width$}   ▲ NOBODY LEADS · last epoch {}{why}\n", group.id, group.epoch)
        }
    }
}

fn details(cluster: &Cluster, group: &Group, width: usize) -> String {
    let spare = cluster.redundancy(group);
    let store = if cluster.store.healthy { "" } else { " DOES NOT ANSWER" };
    let voters = cluster.store.voters.as_ref().map_or_else(String::new, |it| format!(" {}/{}", it.well, it.count));
    let drill = group.drill.as_ref().map(last_drill).unwrap_or_default();
    let mut text = format!("{:width$}     {spare} · store {}{voters}{store}{drill}\n", "", cluster.store.kind);
    if let Some(trouble) = &cluster.store.trouble {
        text += &format!("{:width$}     store: {trouble}\n", "");
    }
    text += &orders::standing(group, width);
    text += &followers(group, width);
    text += &files::in_status(group, width);
    for member in &group.members {
        if let Some(trouble) = &member.trouble {
            text += &format!("{:width$}     {} {}: {trouble}\n", "", member.node, member.state);
        } else if is_disabled(cluster, member) {
            text += &format!("{:width$}     {} disabled\n", "", member.node);
        } else if member.state == "offline" {
            text += &format!(
                "{:width$}     {} offline for {}\n",
                "",
                member.node,
                in_units(Duration::from_millis(member.last_seen_ms))
            );
        }
        if member.contained == "degraded" {
            text += &format!("{:width$}     {} contained: degraded\n", "", member.node);
        }
    }
    text
}

/// Whether its agent is there and takes no part in the group, as its mode says. It serves as little as one that is
/// offline, which is what programs are told.
fn is_disabled(cluster: &Cluster, member: &Member) -> bool {
    member.mode == "disabled" && member.last_seen_ms < 2 * cluster.ttl_ms
}

/// ` · last drill 6 d 2 h ago, 31 ms`.
fn last_drill(drill: &LastDrill) -> String {
    let ago = age(&drill.at).map_or_else(|| drill.at.clone(), |age| format!("{age} ago"));
    let what = match (drill.passed, drill.outage_ms) {
        (true, Some(outage)) => format!("{outage} ms"),
        (true, None) => String::from("passed"),
        (false, _) => String::from("FAILED: hotseat drill --history"),
    };
    format!(" · last drill {ago}, {what}")
}

/// Addresses that follow the leader.
fn followers(group: &Group, width: usize) -> String {
    let mut text = String::new();
    for vip in &group.vip {
        let state = match (&group.leader, address_trouble(group, vip)) {
            (None, _) => String::from("down"),
            (Some(_), Some(trouble)) => trouble,
            (Some(leader), None) => format!("up on {} of {leader}", vip.interface),
        };
        text += &format!("{:width$}     address {} {state}\n", "", vip.address);
    }
    if let (Some(floating), Some(leader)) = (&group.floating, &group.leader) {
        let state = floating_trouble(group, floating).unwrap_or_else(|| format!("moved to {leader}"));
        text += &format!("{:width$}     floating address {state}\n", "");
    }
    text
}

/// Why an address is not, or not surely, where the leader is.
pub(crate) fn address_trouble(group: &Group, vip: &Vip) -> Option<String> {
    match (&vip.trouble, vip.up) {
        (Some(trouble), _) => Some(format!("NOT UP: {trouble}")),
        (None, Some(true)) => None,
        (None, Some(false)) => Some(String::from("coming up")),
        (None, None) => Some(untold(group)),
    }
}

/// Why a floating address is not, or not surely, where the leader is.
pub(crate) fn floating_trouble(group: &Group, floating: &Floating) -> Option<String> {
    match (&floating.trouble, floating.moved) {
        (Some(trouble), _) => Some(format!("NOT MOVED: {trouble}")),
        (None, Some(true)) => None,
        (None, Some(false)) => Some(String::from("being moved")),
        (None, None) => Some(untold(group)),
    }
}

fn untold(group: &Group) -> String {
    format!("unknown: the agent of {} does not say", group.leader.as_deref().unwrap_or("nobody"))
}

/// `hotseat nodes`.
pub(crate) fn members(cluster: &Cluster) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["GROUP", "NODE", "STATE", "PRIO", "MODE", "REGION", "VERSION", "SEEN", "AGENT", "SERVICE"]);
    for group in &cluster.groups {
        for member in &group.members {
            table.add_row([
                group.id.clone(),
                member.node.clone(),
                if is_disabled(cluster, member) { String::from("disabled") } else { member.state.clone() },
                member.priority.to_string(),
                member.mode.clone(),
                member.region.clone(),
                member.version.clone(),
                format!("{} ms", member.last_seen_ms),
                member.address.clone(),
                member.service.clone().unwrap_or_else(|| String::from("–")),
            ]);
        }
    }
    table.trim_fmt()
}

/// `hotseat members`.
pub(crate) fn roll(roll: &Roll) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["NODE", "STATE", "ADDRESS", "SEEN", "LAG", "ID", ""]);
    for seat in &roll.members {
        let leads = roll.log_leader.as_deref() == Some(seat.node.as_str());
        let remarks: Vec<_> =
            [seat.witness.then_some("witness"), leads.then_some("leads the log")].into_iter().flatten().collect();
        table.add_row([
            seat.node.clone(),
            seat.state.clone(),
            seat.address.clone(),
            seat.silent_ms.map_or_else(|| String::from("–"), |silent| format!("{silent} ms")),
            seat.lag.map_or_else(|| String::from("–"), |lag| lag.to_string()),
            seat.id.clone(),
            remarks.join(", "),
        ]);
    }
    let warning = roll.warning.as_ref().map_or_else(String::new, |warning| format!("warning: {warning}\n"));
    format!("{}\n{warning}", table.trim_fmt())
}

/// How long ago a wall clock said this: for people, so a clock that is off shows as zero.
fn age(since: &str) -> Option<String> {
    let then = humantime::parse_rfc3339(since).ok()?;
    Some(in_units(then.elapsed().unwrap_or_default()))
}
