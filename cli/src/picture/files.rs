//! How files that should be the same on all members look in a terminal. It only draws.

use comfy_table::{Table, presets};
use hotseat_client::{Cluster, Difference, Group, Sync, SyncVersion};

use super::moment::moment;

/// Differences shown in the status; `hotseat drift` shows all.
const IN_STATUS: usize = 3;

/// `hotseat drift`.
pub(crate) fn drift(cluster: &Cluster) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["GROUP", "NODE", "FILE", ""]);
    for group in &cluster.groups {
        for it in &group.drift {
            table.add_row([group.id.clone(), it.node.clone(), it.path.clone(), it.what.clone()]);
        }
    }
    format!("{}\n", table.trim_fmt())
}

/// `hotseat drift --diff PATH`.
pub(crate) fn differences(path: &str, differences: &[Difference]) -> String {
    if differences.is_empty() {
        return format!("{path} is the same on all members that tell of it\n");
    }
    let one = |it: &Difference| match (&it.text, &it.unknown) {
        (Some(text), _) => text.clone(),
        (None, why) => {
            format!("{} and {} differ: {}\n", it.from, it.to, why.as_deref().unwrap_or("it is not known how"))
        }
    };
    differences.iter().map(one).collect()
}

/// `hotseat sync list`.
pub(crate) fn versions(files: &Sync) -> String {
    let mut text = String::new();
    for node in &files.nodes {
        let trouble = node.trouble.as_ref().map_or_else(String::new, |why| format!(" · {why}"));
        text += &format!("{} has version {}{trouble}\n", node.node, node.version);
    }
    if let Some(held) = &files.held {
        text += &format!("held: {held}\n");
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["VERSION", "AT", "BY", "EPOCH", "FILES", "BYTES", "CHANGED"]);
    for version in files.versions.iter().rev() {
        table.add_row(row(version));
    }
    if files.versions.is_empty() {
        text + "no version has been sent yet\n"
    } else {
        format!("{text}{}\n", table.trim_fmt())
    }
}

fn row(version: &SyncVersion) -> [String; 7] {
    let who = version.who.as_ref().map_or_else(String::new, |who| format!(" · by {who}"));
    let why = version.reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    let at = moment(&version.at);
    [
        version.number.to_string(),
        at,
        version.by.clone(),
        version.epoch.to_string(),
        version.files.to_string(),
        version.bytes.to_string(),
        format!("{}{who}{why}", version.changed.join(", ")),
    ]
}

/// The lines of it in `hotseat status`.
pub(super) fn in_status(group: &Group, width: usize) -> String {
    let shown = group.drift.iter().take(IN_STATUS);
    let mut text: String =
        shown.map(|it| format!("{:width$}     drift: {} {}: {}\n", "", it.node, it.path, it.what)).collect();
    if group.drift.len() > IN_STATUS {
        text += &format!("{:width$}     drift: {} more: hotseat drift\n", "", group.drift.len() - IN_STATUS);
    }
    if let Some(why) = &group.files_held {
        text += &format!("{:width$}     files: {why}\n", "");
    }
    text
}
