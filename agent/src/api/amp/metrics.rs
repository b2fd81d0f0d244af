//! `/v1/server/ha/metrics`: how long this server runs, what it is, and the timings it goes by.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Serialize;
use std::time::Duration;

use super::answer::Refused;
use super::states::{epoch_millis, millis};
use super::{Which, words};
use crate::api::Api;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metrics {
    state: &'static str,
    uptime: String,
    current_time_utc: u64,
    start_time_utc: u64,
    high_availability: HighAvailability,
}

/// What AMP has in settings of the same names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HighAvailability {
    priority: i64,
    /// Between two renewals, in milliseconds.
    poll_period: u64,
    /// The lease's ttl, in milliseconds.
    heartbeat_timeout: u64,
}

pub(super) async fn metrics(
    State(api): State<Api>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Metrics>, Refused> {
    let snapshot = api.snapshot();
    let group = which?.find(&api, &snapshot)?;
    let mine = group.members.iter().find(|member| member.node == snapshot.view.node);
    let timing = &api.facts.config.cluster.timing;
    let (now, up) = (epoch_millis(), api.facts.started.elapsed());
    Ok(Json(Metrics {
        state: words::own_state(&snapshot, group),
        uptime: humantime::format_duration(Duration::from_secs(up.as_secs())).to_string(),
        current_time_utc: now,
        start_time_utc: now.saturating_sub(millis(up)),
        high_availability: HighAvailability {
            priority: mine.map_or(0, |member| member.priority),
            poll_period: millis(timing.renewal()),
            heartbeat_timeout: millis(timing.ttl()),
        },
    }))
}
