//! The table of members, group by group.

use hotseat_client::{Group, Member};
use maud::{Markup, html};

use super::scene::Scene;
use super::{ask, beats, drift, link};

/// With the cells that change every second, or without.
pub(super) fn members(scene: &Scene, beating: bool) -> Markup {
    html! {
        section #members aria-labelledby="h-members" {
            h2 #h-members { "Members" }
            @for group in &scene.cluster.groups { (table(scene, group, beating)) }
        }
    }
}

fn table(scene: &Scene, group: &Group, beating: bool) -> Markup {
    html! {
        div.card.wide {
            table {
                caption { (group.id) @if group.role != group.id { span.why { " · " (group.role) } } }
                thead { tr {
                    @for head in ["Node", "State", "Mode", "Prio", "Region", "Version", "Service"] { th scope="col" { (head) } }
                    (beats::heads())
                    @if scene.files.contains_key(&group.id) { th scope="col" title="files that are to be the same" { "Files" } }
                    th scope="col" { "Manage" }
                } }
                tbody { @for member in &group.members { (row(scene, group, member, beating)) } }
            }
            @if group.members.iter().any(|member| member.state == "offline") {
                p.remark { a href=(ask::link("remove-dead", group, None)) { "Remove dead nodes" } }
            }
        }
    }
}

fn row(scene: &Scene, group: &Group, member: &Member, beating: bool) -> Markup {
    let here = member.node == scene.cluster.node;
    html! {
        tr class=(member.state) {
            th scope="row" {
                @match link::to(member).filter(|_| !here) {
                    Some(url) => { a href=(url) { (member.node) } }
                    None => (member.node),
                }
                @if here { span.why { " (here)" } }
            }
            td data-label="State" { span { span.glyph aria-hidden="true" { (glyph(&member.state)) } " " (member.state) } }
            td data-label="Mode" { (member.mode) }
            td.number data-label="Prio" { (member.priority) }
            td data-label="Region" { (member.region) }
            td data-label="Version" { (member.version) }
            td data-label="Service" { (member.service.as_deref().unwrap_or("–")) }
            (beats::cells(scene, group, member, beating))
            (files(scene, group, member))
            td data-label="Manage" {
                @let (what, word) = if member.state == "offline" { ("remove", "Remove") } else { ("manage", "Manage") };
                a href=(ask::link(what, group, Some(&member.node))) aria-label={ (word) " " (member.node) } { (word) }
            }
        }
    }
}

/// Whether its files are as they are to be.
fn files(scene: &Scene, group: &Group, member: &Member) -> Markup {
    let Some(files) = scene.files.get(&group.id) else { return Markup::default() };
    let differ = files.drift.iter().filter(|it| it.node == member.node).count();
    let told = files.nodes.iter().any(|it| it.node == member.node);
    html! {
        td data-label="Files" {
            @match (differ, told) {
                (0, false) => "–",
                (0, true) => "same",
                (differ, _) => span { a.warn href=(drift::link(&group.id, None)) { "differs " (differ) } },
            }
        }
    }
}

fn glyph(state: &str) -> &'static str {
    match state {
        "leader" => "●",
        "hot-standby" => "◉",
        "standby" => "○",
        "backup" => "◇",
        "starting" => "◌",
        "failed" => "✕",
        _ => "–",
    }
}
