//! `/api/tokens`: who may do what. The text of a token is told once, to whoever had it made.

use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get};
use axum::{Json, Router};
use hotseat_client as wire;

use super::{Api, Refused, refuse};
use crate::clock;
use crate::rights::tokens::{self, Token, Tokens};
use crate::rights::{Asker, Secret};
use crate::shelf::ShelfError;

/// Longer is for ever, and should be said so.
const GOOD_MAX: Duration = Duration::from_secs(10 * 365 * 86_400);

/// The paths of this file.
pub(super) fn routes() -> Router<Api> {
    Router::new().route("/api/tokens", get(list).post(create)).route("/api/tokens/{name}", delete(revoke))
}

async fn list(State(api): State<Api>) -> Json<Vec<wire::Token>> {
    Json(api.rights.tokens().iter().map(about).collect())
}

fn about(token: &Token) -> wire::Token {
    let end = token.expires.and_then(|end| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(end)));
    wire::Token {
        name: token.name.clone(),
        right: token.right.to_string(),
        made: token.made.clone(),
        by: token.by.clone(),
        expires: end.map(|end| humantime::format_rfc3339_seconds(end).to_string()),
        expired: token.is_over(SystemTime::now()),
    }
}

/// With `{"name": "NAME", "right": "viewer"}`, and `"good_s": SECONDS` if it is to end.
async fn create(State(api): State<Api>, asker: Asker, body: Bytes) -> Result<Json<wire::MadeToken>, Refused> {
    let wrong = |why: String| refuse(StatusCode::BAD_REQUEST, why);
    let asked: wire::NewToken = serde_json::from_slice(&body)
        .map_err(|error| wrong(format!("the body is not {{\"name\": \"NAME\", \"right\": \"viewer\"}}: {error}")))?;
    let right = asked.right.parse().map_err(wrong)?;
    let good = asked.good_s.map(Duration::from_secs);
    if good.is_some_and(|good| good.is_zero() || good > GOOD_MAX) {
        return Err(wrong(String::from("a token is good for 1 s to 10 years, or for ever")));
    }
    let secret = Secret::generate().map_err(|why| refuse(StatusCode::SERVICE_UNAVAILABLE, why))?;
    let token = Token::new(&asked.name, right, secret.hash(), &asker.name, clock::wall()).map_err(wrong)?;
    let token = token.until(SystemTime::now(), good);
    change(&api, |tokens| tokens.add(token.clone())).await?;
    tracing::warn!("{} made the token \"{}\" with the right \"{}\"", asker.name, token.name, token.right);
    Ok(Json(wire::MadeToken { token: secret.text().to_owned(), about: about(&token) }))
}

async fn revoke(
    State(api): State<Api>,
    asker: Asker,
    Path(name): Path<String>,
) -> Result<Json<serde_json::Value>, Refused> {
    change(&api, |tokens| tokens.revoke(&name)).await?;
    tracing::warn!("{} revoked the token \"{}\"", asker.name, name.escape_debug());
    Ok(Json(serde_json::json!({"revoked": name})))
}

/// Changes the record, and what this node knows of it.
async fn change(api: &Api, change: impl Fn(&mut Tokens) -> Result<(), String>) -> Result<(), Refused> {
    let changed = |tokens: Option<Tokens>| {
        let mut tokens = tokens.unwrap_or_default();
        change(&mut tokens).map(|()| (tokens, ()))
    };
    let unwritten = |error: ShelfError| refuse(StatusCode::SERVICE_UNAVAILABLE, error.to_string());
    let updated = api.shelf.update(tokens::KEY, changed).await.map_err(unwritten)?;
    updated.map_err(|why| refuse(StatusCode::CONFLICT, why))?;
    if let Ok(Some(found)) = api.shelf.read(tokens::KEY).await {
        api.rights.learn(found);
    }
    Ok(())
}
