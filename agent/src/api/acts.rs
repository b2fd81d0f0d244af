//! What operators do to a group. Any node takes it: it is an order in the group's record, and the leader obeys.

pub(crate) mod body;
mod switchover;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use hotseat_client::{Act, Acted, Pin, SetMode, SetPriority, Why};
use hotseat_core::GroupId;

use super::{Api, Refused, find, refuse};
use crate::orders::{Objection, Verb};
use crate::rights::Asker;

type Answer = Result<Json<Acted>, Refused>;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/groups/{group}/acts", get(list))
        .route("/api/groups/{group}/pause", post(pause))
        .route("/api/groups/{group}/resume", post(resume))
        .route("/api/groups/{group}/pin", post(pin))
        .route("/api/groups/{group}/unpin", post(unpin))
        .route("/api/groups/{group}/mode", post(mode))
        .route("/api/groups/{group}/priority", post(priority))
        .route("/api/groups/{group}/switchover", post(switchover::switchover))
}

/// `GET /api/groups/{group}/acts`: the newest acts, oldest first.
async fn list(State(api): State<Api>, Path(group): Path<String>) -> Result<Json<Vec<Act>>, Refused> {
    let group = known(&api, &group)?;
    Ok(Json(api.orders.book(&group).map(|(_, book)| book.acts.clone()).unwrap_or_default()))
}

/// `POST /api/groups/{group}/pause`, with an empty body or `{"reason": "…"}`, as have all these.
async fn pause(State(api): State<Api>, Path(group): Path<String>, asker: Asker, body: Bytes) -> Answer {
    let why: Why = body::read(&body, "{\"reason\": \"WHY\"}")?;
    take(&api, &group, &asker, Verb::Pause, why.reason).await
}

async fn resume(State(api): State<Api>, Path(group): Path<String>, asker: Asker, body: Bytes) -> Answer {
    let why: Why = body::read(&body, "{\"reason\": \"WHY\"}")?;
    take(&api, &group, &asker, Verb::Resume, why.reason).await
}

/// With `{"node": "NODE"}`; who leads otherwise.
async fn pin(State(api): State<Api>, Path(group): Path<String>, asker: Asker, body: Bytes) -> Answer {
    let asked: Pin = body::read(&body, "{\"node\": \"NODE\"}")?;
    let node = asked.node.as_deref().map(body::node).transpose()?;
    take(&api, &group, &asker, Verb::Pin(node), asked.reason).await
}

async fn unpin(State(api): State<Api>, Path(group): Path<String>, asker: Asker, body: Bytes) -> Answer {
    let why: Why = body::read(&body, "{\"reason\": \"WHY\"}")?;
    take(&api, &group, &asker, Verb::Unpin, why.reason).await
}

/// With `{"node": "NODE", "mode": "MODE"}`; without a node this one's, without a mode as its file says.
async fn mode(State(api): State<Api>, Path(group): Path<String>, asker: Asker, body: Bytes) -> Answer {
    let asked: SetMode = body::read(&body, "{\"node\": \"NODE\", \"mode\": \"MODE\"}")?;
    let node = body::node_or(asked.node.as_deref(), &api)?;
    let mode = asked.mode.as_deref().map(body::mode).transpose()?;
    take(&api, &group, &asker, Verb::Mode(node, mode), asked.reason).await
}

/// With `{"node": "NODE", "priority": N}`; without a node this one's, without a priority as its file says.
async fn priority(State(api): State<Api>, Path(group): Path<String>, asker: Asker, body: Bytes) -> Answer {
    let asked: SetPriority = body::read(&body, "{\"node\": \"NODE\", \"priority\": NUMBER}")?;
    let node = body::node_or(asked.node.as_deref(), &api)?;
    take(&api, &group, &asker, Verb::Priority(node, asked.priority), asked.reason).await
}

async fn take(api: &Api, group: &str, asker: &Asker, verb: Verb, reason: Option<String>) -> Answer {
    let group = known(api, group)?;
    let reason = body::reason(reason)?;
    let acted = api.orders.act(&group, &verb, &asker.name, reason).await.map_err(object(api))?;
    if let (Verb::Mode(..) | Verb::Pin(_), Some(act)) = (&verb, acted.act.as_ref().filter(|act| act.outcome.is_none()))
    {
        // It ordered a change of leader too.
        api.orders.word(&group, act.id).await;
    }
    Ok(Json(acted))
}

/// The group of this id.
fn known(api: &Api, group: &str) -> Result<GroupId, Refused> {
    find(&api.snapshot(), group).map(|view| view.id.clone())
}

/// Why an act is not taken, as HTTP says it; where the store does not answer, with what is known of that.
pub(crate) fn object(api: &Api) -> impl FnOnce(Objection) -> Refused {
    move |objection| match objection {
        Objection::Unknown(why) => refuse(StatusCode::NOT_FOUND, why),
        Objection::Conflict(why) => refuse(StatusCode::CONFLICT, why),
        Objection::Later(why) => {
            let trouble = api.snapshot().trouble(&api.facts);
            let trouble = trouble.map_or_else(String::new, |trouble| format!("\n       {trouble}"));
            refuse(StatusCode::SERVICE_UNAVAILABLE, why + &trouble)
        }
    }
}
