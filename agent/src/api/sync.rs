//! Files that are the same on all members of a group: what is known of them, and the acts upon them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{Method, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use hotseat_client::{Difference, Push, Pushed, Rollback, Sync, SyncVersion};
use hotseat_core::GroupId;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Api, Refused, find, needs, refuse};
use crate::config;
use crate::rights::{Asker, Right};
use crate::sync::DeskError;

/// What is needed to see what files hold.
pub(crate) fn contents() -> Right {
    needs::need(&Method::GET, Some("/api/groups/{group}/drift"))
}

/// Everything about them. What they hold, and the acts, are not for everybody.
pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/groups/{group}/sync", get(list))
        .route("/api/groups/{group}/drift", get(differences))
        .route("/api/groups/{group}/sync/push", post(push))
        .route("/api/groups/{group}/sync/rollback", post(roll_back))
}

/// `GET /api/groups/{group}/sync`.
async fn list(State(api): State<Api>, Path(group): Path<String>) -> Result<Json<Sync>, Refused> {
    let (group, _) = kept(&api, &group)?;
    let shown = api.facts.files.board().of(&group).ok_or_else(|| {
        let why = format!("the files of {group} have not been looked at yet, or the store does not answer");
        refuse(StatusCode::SERVICE_UNAVAILABLE, why)
    })?;
    Ok(Json(Sync::clone(&shown)))
}

#[derive(Deserialize)]
struct Which {
    path: String,
}

/// `GET /api/groups/{group}/drift?path=PATH`.
async fn differences(
    State(api): State<Api>,
    Path(group): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<Difference>>, Refused> {
    differing(&api, &group, &which.path).await.map(Json)
}

/// How one file differs, and between whom.
pub(crate) async fn differing(api: &Api, group: &str, path: &str) -> Result<Vec<Difference>, Refused> {
    let (group, sync) = kept(api, group)?;
    let snapshot = api.snapshot();
    let leader = snapshot.group(&group).and_then(|group| group.leader.as_ref()).map(|leader| leader.as_str());
    api.facts.files.differences(&group, &sync, path, leader).await.map_err(failed)
}

/// `POST /api/groups/{group}/sync/push`, with an empty body or `{"reason": "WHY"}`.
async fn push(
    State(api): State<Api>,
    asker: Asker,
    Path(group): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Pushed>), Refused> {
    let (group, _) = sent(&api, &group)?;
    let asked: Push = if body.is_empty() { Push::default() } else { read(&body)? };
    let pushed = api.facts.files.push(&group, asker.name, asked.reason).await;
    pushed.map(|pushed| (StatusCode::ACCEPTED, Json(pushed))).map_err(failed)
}

/// `POST /api/groups/{group}/sync/rollback`, with `{"to": VERSION}`.
async fn roll_back(
    State(api): State<Api>,
    asker: Asker,
    Path(group): Path<String>,
    body: Bytes,
) -> Result<Json<SyncVersion>, Refused> {
    let (group, _) = sent(&api, &group)?;
    let asked: Rollback = read(&body)?;
    let version = api.facts.files.roll_back(&group, asked.to, asker.name, asked.reason).await;
    version.map(Json).map_err(failed)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| refuse(StatusCode::BAD_REQUEST, format!("the body is wrong: {error}")))
}

fn failed(error: DeskError) -> Refused {
    match error {
        DeskError::Unknown(why) => refuse(StatusCode::NOT_FOUND, why),
        DeskError::Later(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

/// The group and its files, if it names any.
pub(crate) fn kept(api: &Api, id: &str) -> Result<(GroupId, Arc<config::Sync>), Refused> {
    let snapshot = api.snapshot();
    let id = find(&snapshot, id)?.id.clone();
    let configured = api.facts.config.groups.iter().find(|group| group.id == id);
    match configured.and_then(|group| group.sync.clone()) {
        Some(sync) => Ok((id, Arc::new(sync))),
        None => {
            let why = format!("{id} names no files to keep the same: add sync = [\"/etc/…\"] to its [[group]]");
            Err(refuse(StatusCode::NOT_FOUND, why))
        }
    }
}

/// The same, if any of them are sent.
fn sent(api: &Api, id: &str) -> Result<(GroupId, Arc<config::Sync>), Refused> {
    let (id, sync) = kept(api, id)?;
    if sync.paths.is_empty() {
        let why = format!("the files of {id} are only compared: [group.sync] paths names those that are sent");
        return Err(refuse(StatusCode::NOT_FOUND, why));
    }
    Ok((id, sync))
}
