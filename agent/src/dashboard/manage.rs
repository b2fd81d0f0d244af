//! `Manage` on a member: its priority, its mode, and whether it is to lead.

use hotseat_client::{Group, Member};
use maud::{Markup, html};

use super::ask;
use super::scene::Scene;

/// The modes there are, and what each means.
const MODES: [(&str, &str); 6] = [
    ("auto", "leads if it is best"),
    ("leader", "leads if it can"),
    ("standby", "stands by, cold"),
    ("hot-standby", "stands by, hot"),
    ("backup", "hot, never leads"),
    ("disabled", "takes no part"),
];

/// Everything that can be asked of a member.
pub(super) fn manage(scene: &Scene, group: &Group, member: &Member) -> Markup {
    let leads = group.leader.as_deref() == Some(member.node.as_str());
    let node = html! { input type="hidden" name="node" value=(member.node); };
    let body = html! {
        p { (member.node) " is " strong { (member.state) } " of " (group.id) ", mode " (member.mode) ", priority " (member.priority) "." }
        h3 { "Priority" }
        p { "Among those who can lead, the highest leads next. It moves nothing now, except where a failback is set." }
        (ask::form("priority", group, "Set priority", &priority(member, &node)))
        h3 { "Mode" }
        @if leads { p { "It leads: as a standby, a backup or disabled it hands over." } }
        (ask::form("mode", group, "Set mode", &mode(member, &node)))
        h3 { "Leadership" }
        @if leads {
            p { a.button href=(ask::link("switchover", group, None)) { "Switch over" } }
        } @else if member.healthy {
            p { a.button href=(ask::link("switchover", group, Some(&member.node))) { "Promote" } }
        } @else if member.state == "offline" {
            p { a.button href=(ask::link("remove", group, Some(&member.node))) { "Remove" } }
        } @else {
            p { (member.node) " cannot lead at the moment." }
        }
        (ask::form("pin", group, "Pin", &html! { (node) p { "Pinned, it leads as long as it can." } }))
    };
    ask::question(&format!("Manage {} on {}", member.node, scene.cluster.cluster), &body)
}

fn priority(member: &Member, node: &Markup) -> Markup {
    html! {
        (node)
        label { "Priority " span.why { "(empty: as its file says)" }
            input name="priority" type="number" step="1" value=(member.priority); }
    }
}

fn mode(member: &Member, node: &Markup) -> Markup {
    html! {
        (node)
        label { "Mode" select name="mode" {
            option value="" { "as its file says" }
            @for (mode, words) in MODES { option value=(mode) selected[mode == member.mode] { (mode) ": " (words) } }
        } }
    }
}
