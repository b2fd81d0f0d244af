//! `GET /api/openapi.json`: every path of the API, for people, generators and hostile requests alike.
//!
//! The document is written by hand, by subject, beside the code that answers; a test holds it against the routes, and
//! `lab/tests/openapi.rs` holds the running agent against it.

use std::sync::LazyLock;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::Api;

/// By subject: each has `paths`, and what they refer to.
const PARTS: &[&str] = &[
    include_str!("acts.json"),
    include_str!("common.json"),
    include_str!("health.json"),
    include_str!("cluster.json"),
    include_str!("groups.json"),
    include_str!("story.json"),
    include_str!("drill.json"),
    include_str!("members.json"),
    include_str!("locks.json"),
    include_str!("amp.json"),
    include_str!("nsg.json"),
    include_str!("sync.json"),
    include_str!("alerts.json"),
    include_str!("rights.json"),
];

/// What of a part belongs to the document's components.
const COMPONENTS: &[&str] = &["schemas", "responses", "parameters", "pathItems"];

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// The path of this file.
pub(super) fn routes() -> Router<Api> {
    Router::new().route("/api/openapi.json", get(openapi))
}

async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

fn document() -> Value {
    let (mut paths, mut components) = (Map::new(), Map::new());
    for part in PARTS {
        let mut part: Map<String, Value> = serde_json::from_str(part).expect("a test reads every part");
        if let Some(Value::Object(its)) = part.remove("paths") {
            paths.extend(its);
        }
        for kind in COMPONENTS {
            if let Some(Value::Object(its)) = part.remove(*kind) {
                let all = components.entry(*kind).or_insert_with(|| json!({}));
                all.as_object_mut().expect("it was made so").extend(its);
            }
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Hotseat",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "One agent of a cluster. Everything under /api is Hotseat's own; /v1 is as Cloudsoft AMP has it, /v2 as NetSpyGlass."
        },
        "paths": paths,
        "components": components
    })
}

#[cfg(test)]
mod tests;
