//! Who is what: `/v1/server/ha/state`, `/states`, `/priority`.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use hotseat_core::{GroupView, MemberView};
use serde::Serialize;

use super::answer::Refused;
use super::{Which, words};
use crate::api::Api;
use crate::snapshot::{Snapshot, expected};

type Asked = Result<Query<Which>, QueryRejection>;

/// `"MASTER"`, quotes and all.
pub(super) async fn state(State(api): State<Api>, which: Asked) -> Result<Json<&'static str>, Refused> {
    let snapshot = api.snapshot();
    let group = which?.find(&api, &snapshot)?;
    Ok(Json(words::own_state(&snapshot, group)))
}

/// A number, as JSON.
pub(super) async fn priority(State(api): State<Api>, which: Asked) -> Result<Json<i64>, Refused> {
    let snapshot = api.snapshot();
    let group = which?.find(&api, &snapshot)?;
    let mine = group.members.iter().find(|member| member.node == snapshot.view.node);
    Ok(Json(mine.map_or(0, |member| member.priority)))
}

/// Everybody, by name.
pub(super) async fn states(State(api): State<Api>, which: Asked) -> Result<Json<States>, Refused> {
    let snapshot = api.snapshot();
    let group = which?.find(&api, &snapshot)?;
    Ok(Json(States::of(&api, &snapshot, group)))
}

/// Brooklyn's `HighAvailabilitySummary`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct States {
    plane_id: String,
    own_id: String,
    master_id: Option<String>,
    nodes: BTreeMap<String, Node>,
    links: BTreeMap<String, String>,
}

/// Brooklyn's `HaNodeSummary`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    node_id: String,
    node_uri: String,
    status: &'static str,
    local_timestamp: u64,
    remote_timestamp: u64,
    priority: i64,
}

impl States {
    pub(super) fn of(api: &Api, snapshot: &Snapshot, group: &GroupView) -> Self {
        let now = epoch_millis();
        let own = words::own_state(snapshot, group);
        let node = |member: &MemberView| {
            let seen = now.saturating_sub(millis(member.last_seen));
            Node {
                node_id: member.node.to_string(),
                node_uri: format!("http://{}", member.address),
                status: if member.node == snapshot.view.node { own } else { words::state(member.state) },
                local_timestamp: seen,
                remote_timestamp: seen,
                priority: member.priority,
            }
        };
        Self {
            plane_id: api.facts.config.cluster.name.clone(),
            own_id: snapshot.view.node.to_string(),
            master_id: group.leader.as_ref().filter(|_| group.serving).map(ToString::to_string),
            nodes: expected(group, &api.facts).map(|member| (member.node.to_string(), node(member))).collect(),
            links: BTreeMap::new(),
        }
    }
}

/// Now, by the wall clock, as Java counts: for people, and for clients that compare it with their own.
pub(super) fn epoch_millis() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, millis)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
