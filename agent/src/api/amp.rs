//! What Cloudsoft AMP's clients ask of `/v1/server/ha` (`amp_2`, `amp_9`), about the first group or `?group=ID`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hotseat_core::{GroupView, MemberState};
use serde::{Deserialize, Serialize};

use super::{Api, Refused, find, refuse};
use crate::snapshot::Snapshot;

#[derive(Deserialize)]
pub(super) struct Which {
    group: Option<String>,
}

/// AMP's word for a member's state. `MASTER` only once the promotion is complete.
const fn word(state: MemberState) -> &'static str {
    match state {
        MemberState::Starting => "INITIALIZING",
        MemberState::Leader => "MASTER",
        MemberState::Standby => "STANDBY",
        MemberState::HotStandby => "HOT_STANDBY",
        MemberState::Backup => "HOT_BACKUP",
        MemberState::Failed => "FAILED",
        MemberState::Offline => "TERMINATED",
    }
}

fn which<'a>(api: &Api, snapshot: &'a Snapshot, which: &Which) -> Result<&'a GroupView, Refused> {
    match (&which.group, api.facts.config.groups.first()) {
        (Some(id), _) => find(snapshot, id),
        (None, Some(first)) => find(snapshot, first.id.as_str()),
        (None, None) => Err(refuse(StatusCode::NOT_FOUND, "this node has no group")),
    }
}

/// `"MASTER"`, quotes and all.
pub(super) async fn state(State(api): State<Api>, Query(query): Query<Which>) -> Response {
    let snapshot = api.snapshot();
    match which(&api, &snapshot, &query) {
        Err(refused) => refused.into_response(),
        Ok(group) => {
            let mine = group.members.iter().find(|member| member.node == snapshot.view.node);
            let state = mine.map_or(MemberState::Starting, |member| member.state);
            let lapsed = state == MemberState::Leader && !snapshot.leads(group);
            Json(word(if lapsed { MemberState::Failed } else { state })).into_response()
        }
    }
}

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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct States {
    plane_id: String,
    own_id: String,
    master_id: Option<String>,
    nodes: BTreeMap<String, Node>,
    links: BTreeMap<String, String>,
}

pub(super) async fn states(State(api): State<Api>, Query(query): Query<Which>) -> Response {
    let snapshot = api.snapshot();
    let group = match which(&api, &snapshot, &query) {
        Err(refused) => return refused.into_response(),
        Ok(group) => group,
    };
    let epoch = std::time::SystemTime::UNIX_EPOCH;
    let now = epoch.elapsed().map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    let nodes = group.members.iter().map(|member| {
        let seen = now.saturating_sub(u64::try_from(member.last_seen.as_millis()).unwrap_or(u64::MAX));
        let node = Node {
            node_id: member.node.to_string(),
            node_uri: format!("http://{}", member.address),
            status: word(member.state),
            local_timestamp: seen,
            remote_timestamp: seen,
            priority: member.priority,
        };
        (member.node.to_string(), node)
    });
    Json(States {
        plane_id: api.facts.config.cluster.name.clone(),
        own_id: snapshot.view.node.to_string(),
        master_id: group.leader.as_ref().filter(|_| group.serving).map(ToString::to_string),
        nodes: nodes.collect(),
        links: BTreeMap::new(),
    })
    .into_response()
}
