//! What load balancers ask, without credentials: who leads here, who stands by, is the agent well.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hotseat_core::MemberState;

use super::{Api, find};

/// 200 on the leader, 503 elsewhere.
pub(super) async fn leader(State(api): State<Api>, Path(group): Path<String>) -> Response {
    let snapshot = api.snapshot();
    match find(&snapshot, &group) {
        Err(refused) => refused.into_response(),
        Ok(group) if snapshot.leads(group) => (StatusCode::OK, "leader\n").into_response(),
        Ok(_) => (StatusCode::SERVICE_UNAVAILABLE, "not the leader\n").into_response(),
    }
}

/// 200 on a healthy standby, 503 elsewhere.
pub(super) async fn standby(State(api): State<Api>, Path(group): Path<String>) -> Response {
    let snapshot = api.snapshot();
    let group = match find(&snapshot, &group) {
        Err(refused) => return refused.into_response(),
        Ok(group) => group,
    };
    let mine = group.members.iter().find(|member| member.node == snapshot.view.node);
    let waits = mine.is_some_and(|member| {
        let standing = matches!(member.state, MemberState::Standby | MemberState::HotStandby | MemberState::Backup);
        standing && member.trouble.is_none()
    });
    let leased = snapshot.pulse.leased();
    if waits && leased && !snapshot.leads(group) {
        (StatusCode::OK, "standby\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not a standby\n").into_response()
    }
}

/// 200 while the agent is well: its loop turns and it is not going down.
pub(super) async fn health(State(api): State<Api>) -> Response {
    match trouble(&api) {
        None => (StatusCode::OK, "ok\n").into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

/// Why this agent is not well, if it is not.
pub(super) fn trouble(api: &Api) -> Option<String> {
    let snapshot = api.snapshot();
    if snapshot.hangs(&api.facts) {
        return Some(String::from("the agent's loop hangs"));
    }
    if snapshot.stopping {
        return Some(String::from("stopping"));
    }
    if let Some(why) = &snapshot.store_trouble {
        return Some(format!("the store does not answer: {why}"));
    }
    let leased = snapshot.pulse.leased();
    (!leased).then(|| String::from("no session: this node may not act; see the agent's log"))
}
