//! What AMP's clients change: the state and the priority of the node that is asked, and dead nodes, which are forgotten.
//! Each becomes an order like any other, with who asked in its record. A standby never steals (`amp_10`). Dead nodes are
//! cleared by whichever node is asked (`amp_12`): the order is the same, and nobody's lead depends on it.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use hotseat_core::{GroupId, GroupView, Mode, NodeName};
use serde::{Deserialize, Serialize};

use super::answer::{self, Refused};
use super::form::{Fields, need};
use super::{Which, words};
use crate::api::Api;
use crate::driver::Message;
use crate::orders::{Objection, Verb};
use crate::rights::Asker;
use crate::snapshot::Snapshot;

/// With `true` in it, a node that does not lead changes what is about itself.
const ELSEWHERE_TOO: &str = "Brooklyn-Allow-Non-Master-Access";

type Asked = Result<Query<Which>, QueryRejection>;

/// What a change is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    ThisNode,
    Others,
}

#[derive(Deserialize)]
pub(super) struct State_ {
    mode: Option<String>,
}

/// `POST /ha/state`, with `mode=`: the state before it, as a JSON string.
pub(super) async fn set_state(
    State(api): State<Api>,
    which: Asked,
    headers: HeaderMap,
    asker: Asker,
    Fields(fields): Fields<State_>,
) -> Result<Json<&'static str>, Refused> {
    let snapshot = api.snapshot();
    let group = which?.find(&api, &snapshot)?;
    let mode = words::mode(&need(fields.mode, "mode")?)?;
    admit(&snapshot, group, &headers, About::ThisNode)?;
    let (before, own) = (words::own_state(&snapshot, group), snapshot.view.node.clone());
    let verb = match mode {
        // To be master already is nothing to be done.
        Mode::Leader if snapshot.leads(group) => return Ok(Json(before)),
        Mode::Leader if may_lead(group, &own) => Verb::Switchover { to: Some(own), epoch: Some(group.epoch.0) },
        // It comes with the planned change.
        Mode::Leader => Verb::Mode(own, Some(Mode::Leader)),
        Mode::Auto | Mode::Standby | Mode::HotStandby | Mode::Backup | Mode::Disabled => Verb::Mode(own, Some(mode)),
    };
    take(&api, &group.id, &verb, &asker).await?;
    Ok(Json(before))
}

fn may_lead(group: &GroupView, node: &NodeName) -> bool {
    group.members.iter().any(|member| member.node == *node && member.mode.may_lead())
}

#[derive(Deserialize)]
pub(super) struct Priority {
    priority: Option<i64>,
}

/// `POST /ha/priority`, with `priority=`: the one before it.
pub(super) async fn set_priority(
    State(api): State<Api>,
    which: Asked,
    headers: HeaderMap,
    asker: Asker,
    Fields(fields): Fields<Priority>,
) -> Result<Json<i64>, Refused> {
    let snapshot = api.snapshot();
    let group = which?.find(&api, &snapshot)?;
    let priority = need(fields.priority, "priority")?;
    admit(&snapshot, group, &headers, About::ThisNode)?;
    let own = snapshot.view.node.clone();
    let before = group.members.iter().find(|member| member.node == own).map_or(0, |member| member.priority);
    take(&api, &group.id, &Verb::Priority(own, Some(priority)), &asker).await?;
    Ok(Json(before))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cleared {
    node_id: Option<String>,
}

/// Who is a member no more.
#[derive(Serialize)]
pub(super) struct Forgotten {
    removed: Vec<String>,
}

/// `POST /ha/states/clear`: all that are dead.
pub(super) async fn clear(State(api): State<Api>, which: Asked, asker: Asker) -> Result<Json<Forgotten>, Refused> {
    let snapshot = api.snapshot();
    let group = which?.find(&api, &snapshot)?;
    let dead = api.orders.dead();
    let dead = group.members.iter().map(|member| member.node.clone()).filter(|node| dead.contains(node));
    forget(&api, &group.id, dead.collect(), &asker).await
}

/// `POST /ha/states/clear/node`, with `nodeId=`: this one, if it is dead.
pub(super) async fn clear_node(
    State(api): State<Api>,
    which: Asked,
    asker: Asker,
    Fields(fields): Fields<Cleared>,
) -> Result<Json<Forgotten>, Refused> {
    let snapshot = api.snapshot();
    let group = which?.find(&api, &snapshot)?;
    let node = need(fields.node_id, "nodeId")?;
    let node = NodeName::new(&node).map_err(|error| answer::refuse(StatusCode::BAD_REQUEST, error.to_string()))?;
    forget(&api, &group.id, vec![node], &asker).await
}

async fn forget(api: &Api, group: &GroupId, nodes: Vec<NodeName>, asker: &Asker) -> Result<Json<Forgotten>, Refused> {
    for node in &nodes {
        take(api, group, &Verb::Remove(node.clone()), asker).await?;
    }
    Ok(Json(Forgotten { removed: nodes.iter().map(ToString::to_string).collect() }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shutdown {
    /// In AMP, the applications it runs; only a leader has any.
    stop_apps_first: Option<String>,
}

/// The answer to a shutdown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stopping {
    shutting_down: bool,
}

/// `POST /shutdown`: this agent hands over and stops; any node may be asked, as in AMP.
pub(super) async fn shutdown(
    State(api): State<Api>,
    asker: Asker,
    Fields(fields): Fields<Shutdown>,
) -> Result<Json<Stopping>, Refused> {
    let snapshot = api.snapshot();
    let first = fields.stop_apps_first.is_some_and(|first| first.eq_ignore_ascii_case("true"));
    if first && !snapshot.view.groups.iter().any(|group| snapshot.leads(group)) {
        let why = "Not allowed to stop all apps when server is not master";
        return Err(answer::refuse(StatusCode::FORBIDDEN, why));
    }
    tracing::warn!("{} asks this agent to shut down", asker.name);
    let stopping = |_| answer::refuse(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping");
    api.inbox.send(Message::Stop).await.map_err(stopping)?;
    Ok(Json(Stopping { shutting_down: true }))
}

/// What changes something is for the leader, as in AMP: whoever asks elsewhere is told where that is.
pub(super) fn admit(snapshot: &Snapshot, group: &GroupView, headers: &HeaderMap, about: About) -> Result<(), Refused> {
    let skip = headers.get(ELSEWHERE_TOO).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    if snapshot.leads(group) || (skip && about == About::ThisNode) {
        return Ok(());
    }
    let leader = group.leader.as_ref().filter(|leader| **leader != snapshot.view.node);
    let member = leader.and_then(|leader| group.members.iter().find(|member| member.node == *leader));
    Err(answer::not_here(member.map(|member| format!("http://{}", member.address))))
}

/// Takes the order, and waits for the leader's word where it is one for the leader.
pub(super) async fn take(api: &Api, group: &GroupId, verb: &Verb, asker: &Asker) -> Result<(), Refused> {
    let object = |objection| match objection {
        Objection::Unknown(why) => answer::refuse(StatusCode::NOT_FOUND, why),
        Objection::Conflict(why) => answer::refuse(StatusCode::CONFLICT, why),
        Objection::Later(why) => answer::refuse(StatusCode::SERVICE_UNAVAILABLE, why),
    };
    let acted = api.orders.act(group, verb, &asker.name, None).await.map_err(object)?;
    let Some(act) = acted.act.filter(|act| act.outcome.is_none()) else { return Ok(()) };
    match api.orders.word(group, act.id).await {
        Some(outcome) if !outcome.ok => Err(answer::refuse(StatusCode::CONFLICT, outcome.text)),
        Some(_) | None => Ok(()),
    }
}
