//! What load balancers ask, without credentials: who leads here, who stands by, is the agent well.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hotseat_core::MemberState;

use super::{Api, find};
use crate::clock;

/// A loop that has not turned for this many ttls is not well.
const STALE_TTLS: u32 = 3;

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
    let snapshot = api.snapshot();
    let stale = clock::now().since(snapshot.pulse.turned()) > api.facts.config.cluster.timing.ttl() * STALE_TTLS;
    let leased = snapshot.pulse.leased();
    match (&snapshot.store_trouble, stale, snapshot.stopping) {
        (None, false, false) if !leased => {
            let why = "no session: this node may not act; see the agent's log\n";
            (StatusCode::SERVICE_UNAVAILABLE, String::from(why)).into_response()
        }
        (_, true, _) => (StatusCode::SERVICE_UNAVAILABLE, String::from("the agent's loop hangs\n")).into_response(),
        (_, _, true) => (StatusCode::SERVICE_UNAVAILABLE, String::from("stopping\n")).into_response(),
        (Some(why), ..) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("the store does not answer: {why}\n")).into_response()
        }
        (None, false, false) => (StatusCode::OK, String::from("ok\n")).into_response(),
    }
}
