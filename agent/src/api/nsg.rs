//! NetSpyGlass's pings (`nsg_7`): `ok` on the leader, `standby` elsewhere; with `/se`, 503 elsewhere.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{Api, refuse};

pub(super) async fn ping(api: State<Api>, netid: Path<String>) -> Response {
    answer(&api, &netid, StatusCode::OK)
}

pub(super) async fn ping_strict(api: State<Api>, netid: Path<String>) -> Response {
    answer(&api, &netid, StatusCode::SERVICE_UNAVAILABLE)
}

fn answer(api: &Api, netid: &str, elsewhere: StatusCode) -> Response {
    let number = netid.parse::<u32>().ok();
    let configured = api.facts.config.groups.iter().find(|group| Some(group.netid) == number);
    let snapshot = api.snapshot();
    match configured.and_then(|group| snapshot.group(&group.id)) {
        None => refuse(StatusCode::NOT_FOUND, "no group has this netid").into_response(),
        Some(group) if snapshot.leads(group) => (StatusCode::OK, "ok").into_response(),
        Some(_) => (elsewhere, "standby").into_response(),
    }
}
