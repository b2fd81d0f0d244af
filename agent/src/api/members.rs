//! Who belongs to an embedded cluster, and the acts upon them. Who lets nodes in or takes them out does it on a member.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hotseat_client::{Invitation, Invite, Remove, Roll};

use super::{Api, Refused, refuse};
use crate::embedded::{Facts, Stays, retire};

/// A line that lets nodes in is not a key for ever.
const GOOD_MAX: Duration = Duration::from_secs(30 * 86_400);

fn embedded(api: &Api) -> Result<&Facts, Refused> {
    let facts = api.facts.embedded.as_ref();
    facts.ok_or_else(|| {
        let kind = &api.facts.store_kind;
        refuse(
            StatusCode::NOT_FOUND,
            format!("members are listed where store = \"raft\"; this cluster's store is {kind}"),
        )
    })
}

/// `GET /api/members`.
pub(super) async fn list(State(api): State<Api>) -> Result<Json<Roll>, Refused> {
    Ok(Json(embedded(&api)?.roll()))
}

/// `POST /api/members/invite`, with `{"good_s": SECONDS}`.
pub(super) async fn invite(State(api): State<Api>, body: Bytes) -> Result<Json<Invitation>, Refused> {
    let wrong = |error: serde_json::Error| {
        refuse(StatusCode::BAD_REQUEST, format!("the body is not {{\"good_s\": SECONDS}}: {error}"))
    };
    let asked: Invite = serde_json::from_slice(&body).map_err(wrong)?;
    let good = Duration::from_secs(asked.good_s);
    if good.is_zero() || good > GOOD_MAX {
        return Err(refuse(StatusCode::BAD_REQUEST, "a line that lets nodes in is good for 1 s to 30 days"));
    }
    let token = embedded(&api)?.invite(good).map_err(|why| refuse(StatusCode::CONFLICT, why))?;
    tracing::info!("a line that lets nodes in was made, good for {} s", good.as_secs());
    Ok(Json(Invitation { token }))
}

/// `POST /api/members/remove`, with `{"node": "NAME"}`.
pub(super) async fn remove(State(api): State<Api>, body: Bytes) -> Result<Response, Refused> {
    let wrong = |error: serde_json::Error| {
        refuse(StatusCode::BAD_REQUEST, format!("the body is not {{\"node\": \"NAME\"}}: {error}"))
    };
    let asked: Remove = serde_json::from_slice(&body).map_err(wrong)?;
    retire(&embedded(&api)?.raft, &asked.node).await.map_err(|stays| match stays {
        Stays::Wrong(why) => refuse(StatusCode::CONFLICT, why),
        Stays::Later(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, why),
    })?;
    tracing::warn!("{} is removed from the cluster by an operator", asked.node);
    Ok((StatusCode::ACCEPTED, Json(serde_json::json!({"accepted": true}))).into_response())
}

/// `GET /api/snapshot`: the cluster's own state, whole.
pub(super) async fn snapshot(State(api): State<Api>) -> Result<Response, Refused> {
    let saved = embedded(&api)?.raft.save().await;
    let saved = saved.map_err(|error| refuse(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], saved).into_response())
}
