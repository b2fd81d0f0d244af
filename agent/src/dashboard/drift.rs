//! `GET /dashboard/drift/{group}`: which files are not the same on which member; with `?path=PATH`, how they differ. What
//! files hold is shown to whom the API shows it, and to nobody else.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use hotseat_client::{Difference, Drift, Sync};
use hotseat_core::GroupId;
use maud::{Markup, html};
use serde::Deserialize;

use super::wall::Wall;
use super::{page, patch};
use crate::api::{self, Refused, query};
use crate::config;
use crate::rights::Asker;

/// Which file, where it is about one.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    path: Option<String>,
}

/// See the module.
pub(super) async fn drift(
    State(wall): State<Arc<Wall>>,
    Path(group): Path<String>,
    Query(which): Query<Which>,
    asker: Asker,
) -> Response {
    match drawn(&wall, &group, which.path.as_deref(), &asker).await {
        Ok(page) => page.into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn drawn(
    wall: &Wall,
    group: &str,
    path: Option<&str>,
    asker: &Asker,
) -> Result<(StatusCode, Html<String>), Refused> {
    let api = wall.api();
    let (group, named) = api::sync::kept(api, group)?;
    let (status, shown) = match path {
        None => (StatusCode::OK, Markup::default()),
        Some(path) if asker.right.covers(api::sync::contents()) => {
            (StatusCode::OK, differences(path, &api::sync::differing(api, group.as_str(), path).await?))
        }
        Some(path) => (StatusCode::FORBIDDEN, not_for(asker, path)),
    };
    let files = api.facts.files.board().of(&group);
    let body = html! {
        (shown)
        (list(&group, &named, files.as_deref()))
        nav.neighbours aria-label="Back" { a href="/" { "dashboard" } }
    };
    Ok((status, Html(page::apart(wall.cluster(), group.as_str(), &body).into_string())))
}

fn not_for(asker: &Asker, path: &str) -> Markup {
    html! {
        p.banner.warn role="status" {
            (asker.name) " may see that " strong { (path) } " differs; what it holds is for who has the right \""
            (api::sync::contents()) "\"."
        }
    }
}

fn differences(path: &str, all: &[Difference]) -> Markup {
    html! {
        section aria-labelledby="h-differences" {
            h2 #h-differences { (path) }
            @if all.is_empty() { p.card { "It is the same on all members that tell of it." } }
            @else { (patch::patches(path, all)) }
        }
    }
}

/// Every file that differs, and where.
fn list(group: &GroupId, named: &config::Sync, files: Option<&Sync>) -> Markup {
    html! {
        section aria-labelledby="h-files" {
            h2 #h-files { "Files that differ" }
            @match files {
                None => p.card { "They have not been looked at yet, or the store does not answer." },
                Some(files) if files.drift.is_empty() => {
                    p.card.good { span.glyph aria-hidden="true" { "●" } " What is compared is the same on all members that are here." }
                }
                Some(files) => div.card.wide { table {
                    thead { tr { @for head in ["File", "Member", "How"] { th scope="col" { (head) } } } }
                    tbody { @for (path, its) in by_path(&files.drift) { (rows(group, named, path, &its)) } }
                } },
            }
            @if let Some(held) = files.and_then(|files| files.held.as_ref()) { p.banner.warn { "Nothing is sent: " (held) } }
        }
    }
}

fn by_path(drift: &[Drift]) -> BTreeMap<&str, Vec<&Drift>> {
    let mut all: BTreeMap<&str, Vec<&Drift>> = BTreeMap::new();
    for it in drift {
        all.entry(&it.path).or_default().push(it);
    }
    all
}

fn rows(group: &GroupId, named: &config::Sync, path: &str, its: &[&Drift]) -> Markup {
    html! {
        @for it in its {
            tr {
                th.long scope="row" {
                    @if named.has(path) { a href=(link(group.as_str(), Some(path))) { (path) } } @else { (path) }
                }
                td data-label="Member" { (it.node) }
                td.long data-label="How" { (it.what) }
            }
        }
    }
}

/// Where the page is, of a group or of one of its files.
pub(super) fn link(group: &str, path: Option<&str>) -> String {
    let path = path.map(|path| format!("?path={}", query::escaped(path))).unwrap_or_default();
    format!("/dashboard/drift/{group}{path}")
}
