//! A planned change of leader. At another node it is redirected to the leader (`cmn_7`): 307, which keeps method and body;
//! who asks with `?redirect=no` has it ordered there and then, wherever that is.

use std::net::SocketAddr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hotseat_client::{Acted, Refusal, Switchover};
use hotseat_core::{GroupView, NodeName};
use serde::Deserialize;

use super::super::{Api, Refused, find, refuse};
use super::{body, object};
use crate::orders::Verb;
use crate::rights::Asker;

#[derive(Deserialize)]
pub(crate) struct How {
    redirect: Option<String>,
}

/// `POST /api/groups/{group}/switchover`, with an empty body or `{"to": "NODE", "epoch": N, "reason": "…"}`.
pub(crate) async fn switchover(
    State(api): State<Api>,
    Path(group): Path<String>,
    Query(how): Query<How>,
    uri: Uri,
    asker: Asker,
    bytes: Bytes,
) -> Response {
    let snapshot = api.snapshot();
    let checked = find(&snapshot, &group).and_then(|group| {
        let asked: Switchover = body::read(&bytes, "{\"to\": \"NODE\"}")?;
        let to = asked.to.as_deref().map(body::node).transpose()?;
        Ok((group, asked, to))
    });
    let (group, asked, to) = match checked {
        Ok(checked) => checked,
        Err(refused) => return refused.into_response(),
    };
    if let Some(trouble) = snapshot.trouble(&api.facts) {
        let error = format!("{} cannot change its leader now: the store does not answer here: {trouble}", group.id);
        return refuse(StatusCode::SERVICE_UNAVAILABLE, error).into_response();
    }
    let elsewhere = group.leader.as_ref().filter(|leader| **leader != snapshot.view.node);
    if let Some(leader) = elsewhere.filter(|_| how.redirect.as_deref() != Some("no"))
        && to.as_ref().is_none_or(|to| group.members.iter().any(|member| member.node == *to))
        && let Some(redirect) = redirect(leader, group, &uri)
    {
        return redirect;
    }
    match order(&api, group, to, asked, &asker).await {
        Ok(acted) if acted.already => Json(acted).into_response(),
        Ok(acted) => (StatusCode::ACCEPTED, Json(acted)).into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// Orders it, and waits for the leader's word: it is under way when this returns, or refused.
async fn order(
    api: &Api,
    group: &GroupView,
    to: Option<NodeName>,
    asked: Switchover,
    asker: &Asker,
) -> Result<Acted, Refused> {
    let reason = body::reason(asked.reason)?;
    let verb = Verb::Switchover { to, epoch: asked.epoch };
    let mut acted = api.orders.act(&group.id, &verb, &asker.name, reason).await.map_err(object(api))?;
    if let Some(act) = acted.act.as_mut().filter(|act| act.outcome.is_none()) {
        act.outcome = api.orders.word(&group.id, act.id).await;
        if let Some(outcome) = act.outcome.as_ref().filter(|outcome| !outcome.ok) {
            return Err(refuse(StatusCode::CONFLICT, outcome.text.clone()));
        }
    }
    Ok(acted)
}

/// The same at the leader's agent; nothing where its address is not known.
fn redirect(leader: &NodeName, group: &GroupView, asked: &Uri) -> Option<Response> {
    let member = group.members.iter().find(|member| member.node == *leader);
    // It comes from another node's record: only what is an address becomes part of a header.
    let address = member.and_then(|member| member.address.parse::<SocketAddr>().ok())?;
    let agent = format!("http://{address}");
    let path = asked.path_and_query().map_or("/", |path| path.as_str());
    let location = format!("{agent}{path}");
    let error = format!("this node does not lead {}; {leader} does", group.id);
    let refusal = Json(Refusal { error, leader: Some(agent), again: false });
    Some((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)], refusal).into_response())
}
