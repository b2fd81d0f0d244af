//! A group as NetSpyGlass's command-line client shows a cluster (`nsg_8`). It reads numbers where there are numbers here:
//! uptimes in seconds, times in milliseconds since 1970.

use std::net::SocketAddr;
use std::time::SystemTime;

use axum::Json;
use axum::extract::{Path, State};
use hotseat_core::{GroupView, MemberView};
use serde::Serialize;

use super::find;
use crate::api::{Api, Refused};
use crate::snapshot::{Facts, Snapshot, expected};

/// The answering node, and everybody in the group.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    name: String,
    region: String,
    roles: Vec<String>,
    server_status: &'static str,
    zookeeper_client_state: &'static str,
    members: Vec<Member>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    name: String,
    host_name: String,
    id: String,
    /// All of them in one text, with commas between.
    role: String,
    region: String,
    url: String,
    process_uptime: u64,
    updated_at: u64,
}

pub(super) async fn status(State(api): State<Api>, Path(netid): Path<String>) -> Result<Json<Status>, Refused> {
    let snapshot = api.snapshot();
    let group = find(&api, &snapshot, &netid)?;
    Ok(Json(Status {
        name: snapshot.view.node.to_string(),
        region: api.facts.config.node.region.clone(),
        roles: group.role.split(',').map(|role| role.trim().to_owned()).collect(),
        // The words of the pings: what a client that knows both may compare.
        server_status: if snapshot.leads(group) { "ok" } else { "standby" },
        zookeeper_client_state: connection(&snapshot, &api.facts),
        members: expected(group, &api.facts).map(|it| member(it, group, &api.facts)).collect(),
    }))
}

/// What a ZooKeeper client would call this node's way to the store: lost is the session, suspended only the store.
fn connection(snapshot: &Snapshot, facts: &Facts) -> &'static str {
    match (snapshot.pulse.leased(), snapshot.trouble(facts)) {
        (false, _) => "LOST",
        (true, Some(_)) => "SUSPENDED",
        (true, None) => "CONNECTED",
    }
}

fn member(view: &MemberView, group: &GroupView, facts: &Facts) -> Member {
    let address: Option<SocketAddr> = view.address.parse().ok();
    let now = SystemTime::now();
    let since = facts.records.here_since(&view.node).and_then(|since| humantime::parse_rfc3339(&since).ok());
    let up = since.filter(|_| view.state != hotseat_core::MemberState::Offline);
    let up = up.and_then(|since| now.duration_since(since).ok());
    let updated = now.checked_sub(view.last_seen).and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    Member {
        name: view.node.to_string(),
        host_name: address.map(|it| it.ip().to_string()).unwrap_or_default(),
        id: format!("{}/{}", group.id, view.node),
        role: group.role.clone(),
        region: view.region.clone(),
        url: format!("http://{}", view.address),
        process_uptime: up.map_or(0, |up| up.as_secs()),
        updated_at: updated.map_or(0, |at| u64::try_from(at.as_millis()).unwrap_or(u64::MAX)),
    }
}
