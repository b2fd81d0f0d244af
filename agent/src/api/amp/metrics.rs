//! `/v1/server/ha/metrics`: how long this server runs, what it was when, the timings it goes by, and how its way to the
//! store is. What AMP has besides is of the applications that it manages: there are none.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Extension, Json};
use serde::Serialize;

use super::answer::Refused;
use super::history::{History, Spell};
use super::states::{epoch_millis, millis};
use super::{Which, words};
use crate::api::Api;
use crate::metrics::Called;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metrics {
    state: &'static str,
    uptime: String,
    current_time_utc: u64,
    start_time_utc: u64,
    high_availability: HighAvailability,
    management_state_persistence: Persistence,
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
    /// Newest first.
    history: Vec<Spell>,
}

/// Reading and writing what the nodes agree on.
#[derive(Serialize)]
struct Persistence {
    read: Activity,
    write: Activity,
}

/// Brooklyn's `PersistenceActivityMetrics`: times in milliseconds, absent ones are null.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Activity {
    count: u64,
    last_success_time_utc: Option<u64>,
    last_success_time_millis_since: Option<u64>,
    last_duration: Option<u64>,
    failure_count: u64,
    last_failure_time_utc: Option<u64>,
    last_failure_time_millis_since: Option<u64>,
    error_messages: Vec<Trouble>,
}

#[derive(Serialize)]
struct Trouble {
    error: String,
    timestamp: u64,
}

impl Activity {
    fn of(called: Called, now: u64) -> Self {
        let since = |at: Option<u64>| at.map(|at| now.saturating_sub(at));
        let errors = called.errors.into_iter();
        Self {
            count: called.count,
            last_success_time_utc: called.succeeded_ms,
            last_success_time_millis_since: since(called.succeeded_ms),
            last_duration: called.newest.map(millis),
            failure_count: called.failed,
            last_failure_time_utc: called.broke_ms,
            last_failure_time_millis_since: since(called.broke_ms),
            error_messages: errors.map(|it| Trouble { error: it.why, timestamp: it.at_ms }).collect(),
        }
    }
}

pub(super) async fn metrics(
    State(api): State<Api>,
    Extension(history): Extension<History>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Metrics>, Refused> {
    let snapshot = api.snapshot();
    let group = which?.find(&api, &snapshot)?;
    let mine = group.members.iter().find(|member| member.node == snapshot.view.node);
    let timing = &api.facts.config.cluster.timing;
    let (now, up) = (epoch_millis(), api.facts.started.elapsed());
    let (looks, writes) = api.facts.records.counts().calls();
    Ok(Json(Metrics {
        state: words::own_state(&snapshot, group),
        uptime: humantime::format_duration(Duration::from_secs(up.as_secs())).to_string(),
        current_time_utc: now,
        start_time_utc: now.saturating_sub(millis(up)),
        high_availability: HighAvailability {
            priority: mine.map_or(0, |member| member.priority),
            poll_period: millis(timing.renewal()),
            heartbeat_timeout: millis(timing.ttl()),
            history: history.of(&group.id),
        },
        management_state_persistence: Persistence { read: Activity::of(looks, now), write: Activity::of(writes, now) },
    }))
}
