//! What Cloudsoft AMP's clients ask of `/v1/server` (`amp_2`, `amp_9`), about the first group or `?group=ID`.
//!
//! Answers are what Apache Brooklyn's REST server says, of which AMP is made, where a client goes by them. It decides
//! nothing: what changes something becomes an order like any other.

mod acts;
mod answer;
mod form;
mod history;
mod metrics;
mod persist;
mod server;
mod states;
mod words;

use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, Uri};
use axum::routing::{get, post};
use axum::{Extension, Router};
use hotseat_core::GroupView;
use serde::Deserialize;

use super::Api;
use crate::snapshot::Snapshot;
use answer::Refused;
use history::History;

/// The paths of this folder.
pub(super) fn routes(api: &Api) -> Router<Api> {
    let history = History::follow(api.shown.clone());
    let ha = Router::new()
        .route("/v1/server/ha/state", get(states::state).post(acts::set_state))
        .route("/v1/server/ha/states", get(states::states))
        .route("/v1/server/ha/states/clear", post(acts::clear))
        .route("/v1/server/ha/states/clear/node", post(acts::clear_node))
        .route("/v1/server/ha/priority", get(states::priority).post(acts::set_priority))
        .route("/v1/server/ha/metrics", get(metrics::metrics).layer(Extension(history)));
    let server = Router::new()
        .route("/v1/server/up", get(server::up))
        .route("/v1/server/up/extended", get(server::extended))
        .route("/v1/server/healthy", get(server::healthy))
        .route("/v1/server/shuttingDown", get(server::shutting_down))
        .route("/v1/server/planeid", get(server::plane_id))
        .route("/v1/server/version", get(server::version))
        .route("/v1/server/shutdown", post(acts::shutdown));
    let state = Router::new()
        .route("/v1/server/ha/persist/export", get(persist::export))
        .route("/v1/server/ha/persist/import", post(persist::import))
        .layer(DefaultBodyLimit::max(persist::DOCUMENT_MAX));
    ha.merge(server).merge(state).route("/v1/{*path}", axum::routing::any(unknown))
}

/// Which group is meant.
#[derive(Deserialize)]
struct Which {
    group: Option<String>,
}

impl Which {
    fn find<'a>(&self, api: &Api, snapshot: &'a Snapshot) -> Result<&'a GroupView, Refused> {
        let first = || api.facts.config.groups.first().map(|group| group.id.as_str());
        let id = self.group.as_deref().or_else(first);
        let found = id.and_then(|id| snapshot.view.groups.iter().find(|group| group.id.as_str() == id));
        found.ok_or_else(|| match id {
            Some(_) => answer::refuse(StatusCode::NOT_FOUND, "this node has no such group"),
            None => answer::refuse(StatusCode::NOT_FOUND, "this node has no group"),
        })
    }
}

async fn unknown(uri: Uri) -> Refused {
    let path: String = uri.path().chars().take(80).collect();
    answer::refuse(StatusCode::NOT_FOUND, format!("nothing is at {path}"))
}
