//! What NetSpyGlass's clients ask of `/v2`, by a group's `netid` (`nsg_7`, `nsg_8`). Their header `X-NSG-Auth-API-Token` is
//! not looked at here.

mod ping;
mod status;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use hotseat_core::GroupView;

use super::{Api, Refused, refuse};
use crate::snapshot::Snapshot;

/// The paths of this folder, with and without the final slash.
pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/v2/ping/net/{netid}", get(ping::ping))
        .route("/v2/ping/net/{netid}/", get(ping::ping))
        .route("/v2/ping/net/{netid}/se", get(ping::ping_strict))
        .route("/v2/ping/net/{netid}/se/", get(ping::ping_strict))
        .route("/v2/nsg/cluster/net/{netid}/status", get(status::status))
        .route("/v2/nsg/cluster/net/{netid}/status/", get(status::status))
}

/// The group of this number.
fn find<'a>(api: &Api, snapshot: &'a Snapshot, netid: &str) -> Result<&'a GroupView, Refused> {
    let number = netid.parse::<u32>().ok();
    let configured = api.facts.config.groups.iter().find(|group| Some(group.netid) == number);
    let group = configured.and_then(|group| snapshot.group(&group.id));
    group.ok_or_else(|| refuse(StatusCode::NOT_FOUND, "no group has this netid"))
}
