//! `GET /dashboard/ask/{what}/{group}`: one page per act, which says what will happen and asks. The script opens it in a
//! dialog; without JavaScript it is a page like any other. Nothing happens before its form is sent.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use hotseat_client::story::Leadership;
use hotseat_client::{Group, Member, in_words};
use maud::{Markup, html};
use serde::Deserialize;

use super::scene::Scene;
use super::wall::Wall;
use super::{manage, page};
use crate::api;
use crate::rights::{Asker, Right};

/// About whom, where it is about one node.
#[derive(Debug, Default, Deserialize)]
pub(super) struct About {
    #[serde(default)]
    node: Option<String>,
}

/// See the module.
pub(super) async fn ask(
    State(wall): State<Arc<Wall>>,
    Path((what, group)): Path<(String, String)>,
    Query(about): Query<About>,
    asker: Asker,
) -> Response {
    let scene = wall.scene();
    let Some(group) = scene.cluster.groups.iter().find(|it| it.id == group) else {
        return api::refuse(StatusCode::NOT_FOUND, "no such group here").into_response();
    };
    let node = about.node.as_deref();
    let member = node.and_then(|node| group.members.iter().find(|it| it.node == node));
    let drawn = match (what.as_str(), member) {
        ("switchover", _) => switchover(&scene, group, member),
        ("pause", _) => pause(group),
        ("resume", _) => resume(group),
        ("unpin", _) => unpin(group),
        ("remove-dead", _) => remove_dead(&scene, group),
        ("remove", Some(member)) => remove(group, member),
        ("manage", Some(member)) => manage::manage(&scene, group, member),
        _ => return api::refuse(StatusCode::NOT_FOUND, "there is no such act, or no such member").into_response(),
    };
    let drawn = html! {
        @if !asker.right.covers(Right::Operator) {
            p.banner.warn { "You are " (asker.name) " and may look: acts are for operators." }
        }
        (drawn)
    };
    Html(page::apart(&scene.cluster.cluster, &group.id, &drawn).into_string()).into_response()
}

/// Where the page of an act is.
pub(super) fn link(what: &str, group: &Group, node: Option<&str>) -> String {
    let node = node.map(|node| format!("?node={node}")).unwrap_or_default();
    format!("/dashboard/ask/{what}/{}{node}", group.id)
}

/// A form that sends the act, with what it is about, and a line for the record.
pub(super) fn form(what: &str, group: &Group, label: &str, fields: &Markup) -> Markup {
    html! {
        form method="post" action={ "/dashboard/act/" (what) "/" (group.id) } {
            (fields)
            label { "Why " span.why { "(for the record)" } input name="reason" maxlength="200" autocomplete="off"; }
            button type="submit" { (label) }
        }
    }
}

/// What is asked, beneath its title.
pub(super) fn question(title: &str, body: &Markup) -> Markup {
    html! { article.card.ask { h2 { (title) } (body) p { a.back href="/" { "Leave everything as it is" } } } }
}

fn switchover(scene: &Scene, group: &Group, to: Option<&Member>) -> Markup {
    let able = group.members.iter().filter(|it| it.healthy && matches!(it.state.as_str(), "standby" | "hot-standby"));
    let leader = group.leader.as_deref();
    let title = match to {
        Some(to) => format!("Let {} lead {}", to.node, group.id),
        None => format!("Hand {} over", group.id),
    };
    let fields = html! {
        input type="hidden" name="epoch" value=(group.epoch);
        label { "To" select name="to" {
            option value="" { "the best candidate" }
            @for member in able { option value=(member.node) selected[to.is_some_and(|to| to.node == member.node)] { (member.node) } }
        } }
    };
    question(
        &title,
        &html! {
            @match leader {
                None => p { "Nobody leads " (group.id) " at the moment: there is nobody to hand over." },
                Some(leader) => {
                    p { (leader) " ends what is under way, its service stops leading, and the other takes over. Clients that come through a proxy wait meanwhile." }
                    p { (measured(scene, group)) }
                    (form("switchover", group, "Switch over", &fields))
                }
            }
        },
    )
}

/// What the last change of this kind cost: measured, or said not to be.
fn measured(scene: &Scene, group: &Group) -> String {
    let planned = |it: &&Leadership| it.planned && (it.outage_ms.is_some() || !it.waits.is_empty());
    let Some(last) = scene.leaderships(group).iter().rev().find(planned) else {
        return format!("How long it takes is not known yet: no switchover of {} was measured.", group.id);
    };
    let words = |millis| in_words(Duration::from_millis(millis));
    let outage = last.outage_ms.map(|it| format!(" took at most {} without a leader", words(it)));
    let waited = last.waits.iter().map(|wait| wait.longest_ms).max();
    let waited = waited.map_or_else(String::new, |it| format!("; no client waited longer than {}", words(it)));
    format!("The last one, epoch {},{}{waited}.", last.epoch, outage.unwrap_or_default())
}

fn pause(group: &Group) -> Markup {
    let said = html! { "Nothing of " (group.id) " moves until it is resumed: no failover, no switchover. Whoever leads goes on; if it is lost meanwhile, nobody takes over." };
    plain("pause", "Pause", group, &said)
}

fn resume(group: &Group) -> Markup {
    let said = html! { "Changes of " (group.id) " are allowed again; if nobody leads it, somebody will." };
    plain("resume", "Resume", group, &said)
}

fn unpin(group: &Group) -> Markup {
    plain("unpin", "Unpin", group, &html! { "Whoever is best may lead " (group.id) " again." })
}

/// A question about the group alone, with nothing to choose.
fn plain(what: &str, word: &str, group: &Group, said: &Markup) -> Markup {
    let form = form(what, group, word, &Markup::default());
    question(&format!("{word} {}", group.id), &html! { p { (said) } (form) })
}

fn remove(group: &Group, member: &Member) -> Markup {
    let node = html! { input type="hidden" name="node" value=(member.node); };
    question(
        &format!("Remove {}", member.node),
        &html! {
            @if member.state == "offline" {
                p { (member.node) " is dead. It is a member no more, of any group, unless it comes back." }
                (form("remove", group, "Remove", &node))
            } @else {
                p { (member.node) " is alive: stop its agent first." }
            }
        },
    )
}

fn remove_dead(scene: &Scene, group: &Group) -> Markup {
    let members = scene.cluster.groups.iter().flat_map(|group| &group.members);
    let dead: BTreeSet<_> = members.filter(|it| it.state == "offline").map(|it| it.node.as_str()).collect();
    question(
        "Remove dead nodes",
        &html! {
            @if dead.is_empty() {
                p { "No node is dead." }
            } @else {
                p { "Members no more, of any group, unless they come back: " strong { (Vec::from_iter(dead).join(", ")) } "." }
                (form("remove-dead", group, "Remove dead nodes", &Markup::default()))
            }
        },
    )
}
