//! `hotseat nodes --long` and `--stat`: the members as `s9s controller --list --long` shows controllers, for scripts that
//! cut its columns. It only draws.

use std::collections::BTreeSet;
use std::time::Duration;

use hotseat_client::{Cluster, Group, Member, in_units};
use unicode_width::UnicodeWidthStr;

const HEADER: [&str; 7] = ["S", "VERSION", "OWNER", "GROUP", "NAME", "IP", "PORT"];

/// One line for each member of each group, the state first; how many nodes there are comes last.
pub(crate) fn long(cluster: &Cluster, header: bool) -> String {
    let mut rows: Vec<([String; 7], String)> = Vec::new();
    if header {
        rows.push((HEADER.map(String::from), String::from("COMMENT")));
    }
    for (group, member) in members(cluster) {
        let (ip, port) = place(member);
        let (state, version) = (state(group, member).to_owned(), plain(&member.version));
        let row = [state, version, plain(&cluster.cluster), plain(&group.id), plain(&member.node), ip, port];
        rows.push((row, comment(group, member)));
    }
    let width = |column: usize| rows.iter().map(|(row, _)| row[column].width()).max().unwrap_or(0);
    let widths: Vec<_> = (0..HEADER.len()).map(width).collect();
    let mut text = String::new();
    for (row, comment) in &rows {
        for (cell, width) in row.iter().zip(&widths) {
            text += cell;
            text += &" ".repeat(width - cell.width() + 1);
        }
        text += comment;
        text.push('\n');
    }
    let nodes: BTreeSet<_> = members(cluster).map(|(_, member)| &member.node).collect();
    text + &format!("Total: {} controller(s)\n", nodes.len())
}

/// All that is known of each member.
pub(crate) fn stat(cluster: &Cluster) -> String {
    let mut text = String::new();
    for (group, member) in members(cluster) {
        let (ip, port) = place(member);
        let seen = in_units(Duration::from_millis(member.last_seen_ms));
        let healthy = if member.healthy { "yes" } else { "no" };
        let lines = [
            ("Name", member.node.as_str()),
            ("Group", &group.id),
            ("Owner", &cluster.cluster),
            ("Status", &comment(group, member)),
            ("State", &member.state),
            ("IP", &ip),
            ("Port", &port),
            ("Version", &member.version),
            ("Mode", &member.mode),
            ("Priority", &member.priority.to_string()),
            ("Region", &member.region),
            ("Able to lead", healthy),
            ("Service", member.service.as_deref().unwrap_or("-")),
            ("Contained", &member.contained),
            ("Last seen", &format!("{seen} ago")),
            ("Epoch", &group.epoch.to_string()),
        ];
        for (name, value) in lines {
            text += &format!("{name:>13}: {}\n", plain(value));
        }
        text.push('\n');
    }
    text
}

fn members(cluster: &Cluster) -> impl Iterator<Item = (&Group, &Member)> {
    cluster.groups.iter().flat_map(|group| group.members.iter().map(move |member| (group, member)))
}

fn leads(group: &Group, member: &Member) -> bool {
    group.leader.as_ref() == Some(&member.node) && group.serving
}

fn state(group: &Group, member: &Member) -> &'static str {
    match member.state.as_str() {
        "offline" => "-",
        _ if leads(group, member) => "l",
        _ => "f",
    }
}

/// Two of these are the source's own words.
fn comment(group: &Group, member: &Member) -> String {
    let trouble = member.trouble.as_ref().map(|trouble| format!(" {}", plain(trouble))).unwrap_or_default();
    match member.state.as_str() {
        "offline" => format!("Offline for {}.", in_units(Duration::from_millis(member.last_seen_ms))),
        _ if leads(group, member) => format!("Acting as leader.{trouble}"),
        "starting" | "failed" => format!("Accepting heartbeats, not ready to lead.{trouble}"),
        _ => format!("Accepting heartbeats.{trouble}"),
    }
}

fn place(member: &Member) -> (String, String) {
    let address = member.address.strip_prefix("http://").unwrap_or(&member.address);
    let (ip, port) = address.rsplit_once(':').unwrap_or((address, "-"));
    let or_dash = |text: &str| if text.is_empty() { String::from("-") } else { plain(text) };
    (or_dash(ip), or_dash(port))
}

/// What others say of themselves must not make a line of its own, nor more columns.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
