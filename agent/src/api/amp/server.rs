//! How the server is, as AMP's clients ask before anything else: up, healthy, shutting down, of which plane and version.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Serialize;

use super::Which;
use super::answer::Refused;
use super::states::States;
use crate::api::{Api, health};

/// `true` once the agent takes part and is not stopping, whatever else is wrong.
pub(super) async fn up(State(api): State<Api>) -> Json<bool> {
    Json(is_up(&api))
}

/// `true` while it stops.
pub(super) async fn shutting_down(State(api): State<Api>) -> Json<bool> {
    Json(api.snapshot().stopping)
}

/// `true` while nothing is wrong.
pub(super) async fn healthy(State(api): State<Api>) -> Json<bool> {
    Json(health::trouble(&api).is_none())
}

/// The cluster's name, as a JSON string: it is the same at every node and after every failover.
pub(super) async fn plane_id(State(api): State<Api>) -> Json<String> {
    Json(api.facts.config.cluster.name.clone())
}

fn is_up(api: &Api) -> bool {
    let snapshot = api.snapshot();
    snapshot.pulse.leased() && !snapshot.stopping
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Extended {
    up: bool,
    shutting_down: bool,
    healthy: bool,
    ha: States,
}

/// All of it at once, which is what AMP's own pages ask for when they start.
pub(super) async fn extended(
    State(api): State<Api>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Extended>, Refused> {
    let snapshot = api.snapshot();
    let group = which?.find(&api, &snapshot)?;
    Ok(Json(Extended {
        up: is_up(&api),
        shutting_down: snapshot.stopping,
        healthy: health::trouble(&api).is_none(),
        ha: States::of(&api, &snapshot, group),
    }))
}

/// Brooklyn's `VersionSummary`: its command-line client reads `version` and does not log in without it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Version {
    version: &'static str,
    build_sha1: Option<String>,
    build_branch: Option<String>,
    features: Vec<String>,
}

pub(super) async fn version() -> Json<Version> {
    Json(Version { version: env!("CARGO_PKG_VERSION"), build_sha1: None, build_branch: None, features: Vec::new() })
}
