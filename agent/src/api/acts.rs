//! What operators do. An act that belongs to another node is answered with where to go.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hotseat_client::{Refusal, Switchover};
use hotseat_core::{GroupView, NodeName, Request, RequestError};
use tokio::sync::oneshot;

use super::{Api, find, refuse};
use crate::driver::Message;

/// `POST /api/groups/{group}/switchover`, with an empty body or `{"to": "NODE"}`.
pub(super) async fn switchover(State(api): State<Api>, Path(group): Path<String>, body: Bytes) -> Response {
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
    let (reply, answer) = oneshot::channel();
    let request = Request::Switchover { group: group.id.clone(), to };
    if api.inbox.send(Message::Request(request, reply)).await.is_err() {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping").into_response();
    }
    match answer.await {
        Ok(Ok(())) => (StatusCode::ACCEPTED, Json(serde_json::json!({"accepted": true}))).into_response(),
        Ok(Err(error)) => refused(&error, group),
        Err(_) => refuse(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping").into_response(),
    }
}

fn refused(error: &RequestError, group: &GroupView) -> Response {
    let at = group.leader.as_ref().and_then(|leader| group.members.iter().find(|member| member.node == *leader));
    let leader = at.map(|member| format!("http://{}", member.address));
    let (status, error) = match error {
        RequestError::UnknownGroup => (StatusCode::NOT_FOUND, String::from("no such group")),
        RequestError::NotLeader(Some(node)) => {
            (StatusCode::CONFLICT, format!("this node does not lead {}; {node} does", group.id))
        }
        RequestError::NotLeader(None) => (StatusCode::CONFLICT, format!("nobody leads {} at the moment", group.id)),
        RequestError::Busy => (StatusCode::CONFLICT, format!("a change of {} is under way already", group.id)),
        RequestError::BadTarget(why) => return refuse(StatusCode::CONFLICT, why.clone()).into_response(),
    };
    (status, Json(Refusal { error, leader })).into_response()
}
