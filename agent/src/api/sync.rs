//! Files that are the same on all members of a group: what is known of them, and the acts upon them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{Method, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use hotseat_client::{Act, Difference, Push, Pushed, Rollback, Sync, SyncVersion, TakeBack};
use hotseat_core::GroupId;
use serde::Deserialize;

use super::acts::{body, object};
use super::{Api, Refused, find, needs, refuse};
use crate::config;
use crate::orders::{Verb, is_open_push};
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
        .route("/api/groups/{group}/sync/take-back", post(take_back))
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

/// `POST /api/groups/{group}/sync/push`, with an empty body or `{"reason": "WHY"}`. Only who leads now is asked.
async fn push(
    State(api): State<Api>,
    asker: Asker,
    Path(group): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Pushed>), Refused> {
    let (group, _) = sent(&api, &group)?;
    let asked: Push = body::read(&body, "{\"reason\": \"WHY\"}")?;
    let snapshot = api.snapshot();
    let view = find(&snapshot, group.as_str())?;
    let Some(leader) = view.leader.clone() else {
        return Err(refuse(StatusCode::CONFLICT, format!("nobody leads {group} now, so nobody's files can be sent")));
    };
    let act = take(&api, &group, &Verb::SyncPush(leader, view.epoch.0), &asker, asked.reason).await?;
    let pushed = api.facts.files.push(&group, &act, view.epoch.0).await;
    if let Err(why) = &pushed {
        // If that cannot be written down now, it is later.
        drop(api.orders.close(&group, act.id, false, &why.to_string()).await);
    }
    pushed.map(|pushed| (StatusCode::ACCEPTED, Json(pushed))).map_err(failed)
}

/// `POST /api/groups/{group}/sync/take-back`, with `{"act": N}`: what a push asked for, and is not done.
async fn take_back(
    State(api): State<Api>,
    asker: Asker,
    Path(group): Path<String>,
    body: Bytes,
) -> Result<Json<TakeBack>, Refused> {
    let (group, _) = sent(&api, &group)?;
    let asked: TakeBack = body::read(&body, "{\"act\": NUMBER}")?;
    let book = api.orders.book(&group);
    if !book.is_some_and(|(_, book)| book.act(asked.act).is_some_and(is_open_push)) {
        let why = format!("act {} upon {group} is no push that is still to be done: see hotseat acts", asked.act);
        return Err(refuse(StatusCode::NOT_FOUND, why));
    }
    let why = format!("not done, and taken back by {}", asker.name);
    api.facts.files.take_back(&group, asked.act, &why).await.map_err(failed)?;
    drop(api.orders.close(&group, asked.act, false, &why).await);
    Ok(Json(asked))
}

/// `POST /api/groups/{group}/sync/rollback`, with `{"to": VERSION}`.
async fn roll_back(
    State(api): State<Api>,
    asker: Asker,
    Path(group): Path<String>,
    body: Bytes,
) -> Result<Json<SyncVersion>, Refused> {
    let (group, sync) = sent(&api, &group)?;
    let asked: Rollback = body::read(&body, "{\"to\": VERSION}")?;
    // What cannot be is no act.
    api.facts.files.may_roll_back(&group, asked.to, &sync.paths).await.map_err(failed)?;
    let act = take(&api, &group, &Verb::SyncRollback(asked.to), &asker, asked.reason).await?;
    let version = api.facts.files.roll_back(&group, asked.to, &act).await;
    if let Err(DeskError::Unknown(why)) = &version {
        // Somebody was faster. If that cannot be written down now, it is later.
        drop(api.orders.close(&group, act.id, false, why).await);
    }
    version.map(Json).map_err(failed)
}

/// Writes the act down, before anything is done about it: what comes of it is told by the versions that name it.
async fn take(api: &Api, group: &GroupId, verb: &Verb, asker: &Asker, reason: Option<String>) -> Result<Act, Refused> {
    let reason = body::reason(reason)?;
    let acted = api.orders.act(group, verb, &asker.name, reason).await.map_err(object(api))?;
    acted.act.ok_or_else(|| refuse(StatusCode::CONFLICT, "the act was taken, and is not kept any more"))
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
