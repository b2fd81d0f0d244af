//! `GET /api/cluster`.

use axum::Json;
use axum::extract::State;
use hotseat_client::Cluster;

use super::Api;

pub(super) async fn cluster(State(api): State<Api>) -> Json<Cluster> {
    Json(Cluster { alerts: api.alerts.troubles(), ..api.snapshot().cluster(&api.facts) })
}
