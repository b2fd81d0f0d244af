//! What operators do. An act that belongs to another node is redirected there (`cmn_7`): 307, which keeps method and body.

use std::net::SocketAddr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hotseat_client::{Refusal, Switchover};
use hotseat_core::{GroupView, NodeName, Request, RequestError};
use tokio::sync::oneshot;

use super::{Api, find, refuse};
use crate::driver::Message;
use crate::rights::Asker;

/// `POST /api/groups/{group}/switchover`, with an empty body or `{"to": "NODE"}`.
pub(super) async fn switchover(
    State(api): State<Api>,
    Path(group): Path<String>,
    uri: Uri,
    asker: Asker,
    body: Bytes,
) -> Response {
    let snapshot = api.snapshot();
    let group = match find(&snapshot, &group) {
        Err(refused) => return refused.into_response(),
        Ok(group) => group,
    };
    let asked = if body.is_empty() { Ok(Switchover::default()) } else { serde_json::from_slice(&body) };
    let asked: Switchover = match asked {
        Ok(asked) => asked,
        Err(error) => {
            return refuse(StatusCode::BAD_REQUEST, format!("the body is not {{\"to\": \"NODE\"}}: {error}"))
                .into_response();
        }
    };
    let to = match asked.to.map(|to| NodeName::new(&to)).transpose() {
        Ok(to) => to,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    if let Some(to) = to.as_ref().filter(|to| !group.members.iter().any(|member| member.node == **to)) {
        return refuse(StatusCode::NOT_FOUND, no_member(to, group)).into_response();
    }
    // It would step down, and could not write so.
    if let Some(trouble) = snapshot.store_trouble.as_ref().filter(|_| snapshot.leads(group)) {
        let error = format!("{} cannot change its leader now: the store does not answer here: {trouble}", group.id);
        return refuse(StatusCode::SERVICE_UNAVAILABLE, error).into_response();
    }
    let (reply, answer) = oneshot::channel();
    let request = Request::Switchover { group: group.id.clone(), to };
    if api.inbox.send(Message::Request(request, reply)).await.is_err() {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping").into_response();
    }
    match answer.await {
        Ok(Ok(())) => {
            tracing::info!("{} asked for a switchover of {}", asker.name, group.id);
            (StatusCode::ACCEPTED, Json(serde_json::json!({"accepted": true}))).into_response()
        }
        Ok(Err(RequestError::NotLeader(leader))) => match snapshot.trouble(&api.facts) {
            // Who led is not the point then: nobody else can be made to.
            Some(trouble) => {
                let error = format!("{} cannot change its leader now: {trouble}", group.id);
                refuse(StatusCode::SERVICE_UNAVAILABLE, error).into_response()
            }
            None => refused(&RequestError::NotLeader(leader), group, &uri),
        },
        Ok(Err(error)) => refused(&error, group, &uri),
        Err(_) => refuse(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping").into_response(),
    }
}

fn no_member(node: &NodeName, group: &GroupView) -> String {
    let names: Vec<_> = group.members.iter().map(|member| member.node.as_str()).collect();
    format!("no member \"{node}\" in {}; there is: {}", group.id, names.join(", "))
}

fn refused(error: &RequestError, group: &GroupView, asked: &Uri) -> Response {
    let (status, error) = match error {
        RequestError::UnknownGroup => (StatusCode::NOT_FOUND, String::from("no such group")),
        RequestError::NotLeader(Some(node)) => return elsewhere(node, group, asked),
        RequestError::NotLeader(None) => (StatusCode::CONFLICT, format!("nobody leads {} at the moment", group.id)),
        RequestError::Busy => (StatusCode::CONFLICT, format!("a change of {} is under way already", group.id)),
        RequestError::BadTarget(why) => (StatusCode::CONFLICT, why.clone()),
    };
    refuse(status, error).into_response()
}

/// The same at the leader's agent; a conflict where its address is not known.
fn elsewhere(leader: &NodeName, group: &GroupView, asked: &Uri) -> Response {
    let error = format!("this node does not lead {}; {leader} does", group.id);
    let member = group.members.iter().find(|member| member.node == *leader);
    // It comes from another node's record: only what is an address becomes part of a header.
    let Some(address) = member.and_then(|member| member.address.parse::<SocketAddr>().ok()) else {
        return refuse(StatusCode::CONFLICT, error).into_response();
    };
    let agent = format!("http://{address}");
    let path = asked.path_and_query().map_or("/", |path| path.as_str());
    let location = format!("{agent}{path}");
    let refusal = Json(Refusal { error, leader: Some(agent), again: false });
    (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)], refusal).into_response()
}
