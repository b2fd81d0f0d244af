//! What people have ordered, in a terminal: acts, and what stands of them.

use comfy_table::{Table, presets};
use hotseat_client::{Act, Group, InForce};

use super::age;
use super::moment::moment;

/// `hotseat acts`.
pub(crate) fn acts(acts: &[Act]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["ACT", "AT", "WHO", "VIA", "WHAT", "DETAIL", "REASON", "OUTCOME"]);
    for act in acts {
        let outcome = act.outcome.as_ref().map_or_else(
            || String::from("open"),
            |outcome| if outcome.ok { outcome.text.clone() } else { format!("NOT DONE: {}", outcome.text) },
        );
        table.add_row([
            act.id.to_string(),
            moment(&act.at),
            act.who.clone(),
            act.via.clone(),
            act.what.clone(),
            act.detail.clone(),
            act.reason.clone().unwrap_or_default(),
            outcome,
        ]);
    }
    table.trim_fmt() + "\n"
}

/// The lines of `hotseat status` that say what stands.
pub(super) fn standing(group: &Group, width: usize) -> String {
    group.orders.in_force.iter().map(|order| format!("{:width$}     {}\n", "", line(group, order))).collect()
}

fn line(group: &Group, order: &InForce) -> String {
    let ago = age(&order.at).map_or_else(String::new, |age| format!(" {age} ago"));
    let reason = order.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    let by = format!("by {}{ago}{reason}", order.who);
    let (node, value) = (order.node.as_deref().unwrap_or_default(), order.value.as_deref().unwrap_or_default());
    let before = order.before.as_ref().map_or_else(String::new, |before| format!("; its file said {before}"));
    match order.what.as_str() {
        "pause" => format!("PAUSED {by} · nothing moves: hotseat resume --group {}", group.id),
        "pin" => format!("pinned to {value} {by}"),
        what => format!("{node} {what} {value}, set {by}{before}"),
    }
}
