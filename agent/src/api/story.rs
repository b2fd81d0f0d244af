//! `GET /api/groups/{group}/story`: every change of a group's leader, phase by phase, and how things are now.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use hotseat_client::story::Story;
use serde::Deserialize;

use super::{Api, find};
use crate::ledger;

/// The paths of this file.
pub(super) fn routes() -> Router<Api> {
    Router::new().route("/api/groups/{group}/story", get(story))
}

/// Which part of it.
#[derive(Debug, Deserialize)]
struct Of {
    epoch: Option<u64>,
}

async fn story(State(api): State<Api>, Path(group): Path<String>, Query(of): Query<Of>) -> Response {
    let snapshot = api.snapshot();
    let view = match find(&snapshot, &group) {
        Ok(view) => view,
        Err(refused) => return refused.into_response(),
    };
    let (mut book, stale) = api.ledger.book(&view.id).await;
    if let Some(epoch) = of.epoch {
        book.leaderships.retain(|it| it.epoch == epoch);
        book.spared.retain(|it| it.epoch == epoch);
    }
    let story = Story {
        group: view.id.to_string(),
        node: snapshot.view.node.to_string(),
        stale,
        now: ledger::present(&snapshot, view, &api.facts),
        leaderships: book.leaderships,
        spared: book.spared,
    };
    Json(story).into_response()
}
