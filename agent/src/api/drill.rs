//! Fire drills: begins one, and tells of those that were.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use hotseat_client::{DrillOrder, DrillUnderWay, Drills};

use super::acts::body;
use super::{Api, Refused, find, refuse};
use crate::drill::NoDrill;
use crate::rights::Asker;

/// The paths of this file.
pub(super) fn routes() -> Router<Api> {
    Router::new().route("/api/groups/{group}/drill", post(begin)).route("/api/groups/{group}/drills", get(list))
}

/// `POST /api/groups/{group}/drill`, with `{"kind": "switchover"}`, to any member's agent.
async fn begin(
    State(api): State<Api>,
    Path(group): Path<String>,
    asker: Asker,
    body: Bytes,
) -> Result<(StatusCode, Json<DrillUnderWay>), Refused> {
    let id = find(&api.snapshot(), &group)?.id.clone();
    let order: DrillOrder = body::read(&body, "{\"kind\": \"switchover|crash|freeze\"}")?;
    let order = DrillOrder { reason: body::reason(order.reason)?, ..order };
    let begun = api.drills.ask(&id, order, &asker.name).await;
    begun.map(|begun| (StatusCode::ACCEPTED, Json(begun))).map_err(|why| match why {
        NoDrill::Unsafe(why) => refuse(StatusCode::CONFLICT, why),
        NoDrill::Later(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, why),
    })
}

/// `GET /api/groups/{group}/drills`.
async fn list(State(api): State<Api>, Path(group): Path<String>) -> Result<Json<Drills>, Refused> {
    let id = find(&api.snapshot(), &group)?.id.clone();
    let listed = api.drills.list(&id).await;
    listed.map(Json).map_err(|why| refuse(StatusCode::SERVICE_UNAVAILABLE, why.to_string()))
}
