//! `GET /explain/{group}` and `/explain/{group}/{epoch}`: how one leadership came to be, phase by phase. What was not
//! measured is said not to be known.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use hotseat_client::in_words;
use hotseat_client::story::{Choice, Leadership, Phase, Spared};
use maud::{Markup, html};

use super::wall::Wall;
use super::{moment, page, timeline};
use crate::api;
use crate::ledger::{self, Book};

/// Spared changes that are shown.
const SPARED: usize = 8;

/// The newest leadership, and how things are now.
pub(super) async fn newest(State(wall): State<Arc<Wall>>, Path(group): Path<String>) -> Response {
    explained(&wall, &group, None).await.into_response()
}

/// One leadership.
pub(super) async fn epoch(State(wall): State<Arc<Wall>>, Path((group, epoch)): Path<(String, u64)>) -> Response {
    explained(&wall, &group, Some(epoch)).await.into_response()
}

async fn explained(wall: &Wall, group: &str, epoch: Option<u64>) -> Result<impl IntoResponse + use<>, api::Refused> {
    let api = wall.api();
    let snapshot = api.snapshot();
    let view = api::find(&snapshot, group)?;
    let (book, stale) = api.ledger.book(&view.id).await;
    let one = match epoch {
        Some(epoch) => book.leaderships.iter().find(|it| it.epoch == epoch),
        None => book.leaderships.last(),
    };
    if let Some(epoch) = epoch.filter(|_| one.is_none()) {
        let why = format!("nothing is known of epoch {epoch} of {} any more, or not yet", view.id);
        return Err(api::refuse(StatusCode::NOT_FOUND, why));
    }
    let now = ledger::present(&snapshot, view, &api.facts);
    let body = html! {
            @if let Some(why) = &stale {
                p.banner.warn { "The store does not answer (" (why) "): this is what this node remembers." }
            }
            @match one {
                Some(one) => (leadership(one, &book)),
                None => p.card { "Nobody has written down a leadership of " (view.id) " yet." },
            }
            @if epoch.is_none() { (choices("Now", &now.members, &now.remarks)) }
            (spared(&book.spared, epoch))
            (neighbours(view.id.as_str(), one, &book))
    };
    Ok(Html(page::apart(wall.cluster(), view.id.as_str(), &body).into_string()))
}

fn leadership(it: &Leadership, book: &Book) -> Markup {
    let before = book.leaderships.iter().find(|other| other.epoch + 1 == it.epoch);
    let end = before.and_then(|before| before.ended.as_ref()).filter(|end| !end.phases.is_empty());
    let now = SystemTime::now();
    html! {
        section aria-labelledby="h-story" {
            h2 #h-story { (timeline::headline(it)) }
            article.card {
                p.lead {
                    @if let Some(began) = &it.began { (moment::at(began, now)) " · " }
                    (timeline::cost(it).unwrap_or_else(|| String::from("how long it took is not known")))
                }
                @if let Some(end) = end { (phases(&format!("the end of the old one, by the clock of {}", end.by), &end.phases)) }
                (phases("the rise of the new one, by its own clock", &it.phases))
                @for wait in &it.waits {
                    p { "Clients of the proxy on " (wait.node) ": " (wait.clients) " held, the longest " (wait.longest_ms) " ms." }
                }
                @if !it.cause.is_empty() { p { strong { "Cause: " } (it.cause) "." } }
                @if let (Some(back), Some(from)) = (&it.back, &it.from) {
                    p { (from) " came back at " (moment::at(&back.at, now)) " as " (back.state) "." }
                }
                @if let Some(end) = &it.ended {
                    p { "It ended at " (moment::at(&end.at, now)) ": " (end.reason) " (" (end.by) " says so)." }
                }
                @if let Some(by) = &it.filled_in_by { p.why { "Filled in by " (by) ": what is missing here is not known." } }
            }
            (choices("Who could have led", &it.candidates, &[]))
        }
    }
}

/// Each phase as a bar from the one before it.
fn phases(caption: &str, phases: &[Phase]) -> Markup {
    let last = phases.iter().filter_map(|phase| phase.at_ms).max().unwrap_or(0).max(1);
    let mut before = 0;
    let rows = phases.iter().map(|phase| {
        let from = before;
        before = phase.at_ms.unwrap_or(before);
        (phase, phase.at_ms.map(|at| bar(from.min(at), at, last)))
    });
    html! {
        @if !phases.is_empty() {
            table.phases {
                caption { (caption) }
                thead { tr { th scope="col" { "After" } th scope="col" { span.hidden { "Bar" } } th scope="col" { "What" } } }
                tbody {
                    @for (phase, bar) in rows {
                        tr {
                            td.number { @match phase.at_ms { Some(at) => { (at) " ms" } None => "not known", } }
                            td { @if let Some(bar) = bar { (bar) } }
                            td { (phase.note) }
                        }
                    }
                }
            }
        }
    }
}

fn bar(from: u64, to: u64, last: u64) -> Markup {
    let place = |at: u64| at * 1000 / last;
    let (start, width) = (place(from).min(994), (place(to) - place(from)).max(6));
    html! {
        svg.row.phase viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
            rect x=(start) y="0" width=(width) height="10" {}
        }
    }
}

fn choices(title: &str, members: &[Choice], remarks: &[String]) -> Markup {
    html! {
        @if !members.is_empty() {
            h2.below { (title) }
            div.card.wide { table { tbody {
                @for member in members {
                    tr {
                        th scope="row" { (member.node) }
                        td { span.glyph aria-hidden="true" { (if member.chosen { "●" } else { "○" }) } " " (if member.chosen { "leads" } else { "not" }) }
                        td.long { (member.why) }
                    }
                }
            } } @for remark in remarks { p.remark { (remark) } } }
        }
    }
}

fn spared(all: &[Spared], epoch: Option<u64>) -> Markup {
    let some: Vec<_> = all.iter().rev().filter(|it| epoch.is_none_or(|epoch| it.epoch == epoch)).take(SPARED).collect();
    let now = SystemTime::now();
    html! {
        @if !some.is_empty() {
            h2.below { "What did not come to be" }
            div.card { ol.events {
                @for it in some {
                    li {
                        (moment::at(&it.at, now))
                        span {
                            (it.text)
                            @if let Some(lasted) = it.lasted_ms { ", " (in_words(Duration::from_millis(lasted))) }
                            @if it.times > 1 { ", " (it.times) " times" }
                            span.why { " · seen by " (it.seen_by.join(", ")) }
                        }
                    }
                }
            } }
        }
    }
}

fn neighbours(group: &str, one: Option<&Leadership>, book: &Book) -> Markup {
    let epoch = one.map_or(0, |one| one.epoch);
    let before = book.leaderships.iter().rev().find(|it| it.epoch < epoch);
    let after = book.leaderships.iter().find(|it| it.epoch > epoch);
    html! {
        nav.neighbours aria-label="Other leaderships" {
            @if let Some(it) = before { a href={ "/explain/" (group) "/" (it.epoch) } { "← epoch " (it.epoch) } " " }
            a href="/" { "dashboard" }
            @if let Some(it) = after { " " a href={ "/explain/" (group) "/" (it.epoch) } { "epoch " (it.epoch) " →" } }
        }
    }
}
