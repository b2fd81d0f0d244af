//! The top of the page: which cluster, where it agrees, at whose page you look, and where the leader's is.

use hotseat_client::Store;
use maud::{Markup, html};

use super::link;
use super::scene::Scene;

pub(super) fn head(scene: &Scene) -> Markup {
    let cluster = &scene.cluster;
    html! {
        header id="head" {
            div.bar {
                h1 { (cluster.cluster) }
                (store(&cluster.store))
                p.here { "you look at " strong { (cluster.node) } }
                (others(scene))
            }
            @if let Some(doubt) = &scene.doubt { p.banner.bad role="alert" { span.glyph aria-hidden="true" { "▲" } " " (doubt) } }
            (standing(scene))
            @if let Some(trouble) = cluster.store.trouble.as_ref().filter(|_| cluster.store.healthy) {
                p.banner.warn { span.glyph aria-hidden="true" { "▲" } " store: " (trouble) }
            }
        }
    }
}

fn store(store: &Store) -> Markup {
    let voters = store.voters.as_ref().map(|it| format!(" {}/{}", it.well, it.count)).unwrap_or_default();
    let (class, glyph, word) =
        if store.healthy { ("good", "●", "answers") } else { ("bad", "▲", "DOES NOT ANSWER") };
    html! {
        p.store { "store " (store.kind) (voters) " " span class=(class) { span.glyph aria-hidden="true" { (glyph) } " " (word) } }
    }
}

/// What a node that does not lead says plainly (`amp_13`).
fn standing(scene: &Scene) -> Markup {
    let node = &scene.cluster.node;
    let groups = &scene.cluster.groups;
    html! {
        @for group in groups.iter().filter(|group| group.leader.as_ref() != Some(node)) {
            p.banner.plain {
                strong { (node) " is not the leader of " (group.id) "." } " "
                @match group.leader.as_ref() {
                    None => "Nobody leads it.",
                    Some(leader) => @match link::to_node(group, leader) {
                        Some(url) => { a href=(url) { "The leader is " (leader) " →" } }
                        None => { "The leader is " (leader) "." }
                    },
                }
            }
        }
    }
}

/// The same page at other members: also where to go when this agent is gone.
fn others(scene: &Scene) -> Markup {
    let others: Vec<_> = scene.others().into_iter().filter_map(|(name, it)| Some((name, link::to(it)?))).collect();
    html! {
        @if !others.is_empty() {
            nav #others aria-label="The other members' dashboards" {
                span { "also on" }
                @for (name, url) in &others { " " a href=(url) { (name) } }
            }
        }
    }
}
