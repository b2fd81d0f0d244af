//! The pings (`nsg_7`): `ok` on the leader, `standby` elsewhere; with `/se`, 503 elsewhere.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::find;
use crate::api::Api;

pub(super) async fn ping(api: State<Api>, netid: Path<String>) -> Response {
    answer(&api, &netid, StatusCode::OK)
}

pub(super) async fn ping_strict(api: State<Api>, netid: Path<String>) -> Response {
    answer(&api, &netid, StatusCode::SERVICE_UNAVAILABLE)
}

fn answer(api: &Api, netid: &str, elsewhere: StatusCode) -> Response {
    let snapshot = api.snapshot();
    match find(api, &snapshot, netid) {
        Err(refused) => refused.into_response(),
        Ok(group) if snapshot.leads(group) => (StatusCode::OK, "ok").into_response(),
        Ok(_) => (elsewhere, "standby").into_response(),
    }
}
