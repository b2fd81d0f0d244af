//! `/api/alerts`: what is the matter, where alerts go, what was said, and a test.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use hotseat_client::{Alerts, TestAlert, TestedAlert};

use super::{Api, Refused, refuse};

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/api/alerts", get(list)).route("/api/alerts/test", post(test))
}

async fn list(State(api): State<Api>) -> Json<Alerts> {
    let cluster = api.snapshot().cluster(&api.facts);
    Json(api.alerts.list(&cluster).await)
}

/// `POST /api/alerts/test`, with an empty body or `{"name": "NAME"}`. Answers when every receiver has, or was given up.
async fn test(State(api): State<Api>, body: Bytes) -> Result<Json<Vec<TestedAlert>>, Refused> {
    let asked = if body.is_empty() { Ok(TestAlert::default()) } else { serde_json::from_slice(&body) };
    let asked: TestAlert = asked
        .map_err(|error| refuse(StatusCode::BAD_REQUEST, format!("the body is not {{\"name\": \"NAME\"}}: {error}")))?;
    let names: Vec<_> = api.alerts.names().collect();
    if names.is_empty() {
        return Err(refuse(
            StatusCode::NOT_FOUND,
            "no [[alert]] is in this node's file: hotseat config example shows one",
        ));
    }
    if let Some(name) = asked.name.as_deref().filter(|name| !names.contains(name)) {
        let there = names.join(", ");
        return Err(refuse(StatusCode::NOT_FOUND, format!("no alert \"{name}\"; this node has: {there}")));
    }
    Ok(Json(api.alerts.test(asked.name.as_deref()).await))
}
