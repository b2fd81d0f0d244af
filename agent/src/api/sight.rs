//! `GET /api/groups/{group}/sight`: one group as the store tells of it, as JSON, or, for who accepts
//! `text/event-stream`, again whenever it changes.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event as Sse;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use futures_util::StreamExt;
use hotseat_client::Sight;
use hotseat_core::GroupId;

use super::readers::{self, Readers};
use super::{Api, Refused, Remote, find, refuse};
use crate::follow::Lookout;

/// A few proxies and screens: each costs some work for every write to the store.
static FOLLOWERS: Readers = Readers::public(128, "follow groups already; ask without text/event-stream");

#[derive(Clone)]
struct Watched {
    api: Api,
    lookout: Arc<Lookout>,
}

/// The path of this file.
pub(super) fn routes(api: &Api) -> Router<Api> {
    let watched = Watched { api: api.clone(), lookout: Lookout::new(&api.facts) };
    Router::new().route("/api/groups/{group}/sight", get(sight)).with_state(watched)
}

async fn sight(
    State(watched): State<Watched>,
    Extension(remote): Extension<Remote>,
    Path(group): Path<String>,
    headers: HeaderMap,
) -> Response {
    let id = match find(&watched.api.snapshot(), &group) {
        Ok(group) => group.id.clone(),
        Err(refused) => return refused.into_response(),
    };
    if readers::wants_stream(&headers) {
        return follow(&watched.lookout, id, remote).into_response();
    }
    once(&watched.lookout, &id).await.into_response()
}

async fn once(lookout: &Lookout, group: &GroupId) -> Result<Json<Sight>, Refused> {
    let sight = lookout.look(group).await;
    sight.map(Json).map_err(|why| refuse(StatusCode::SERVICE_UNAVAILABLE, format!("the store does not answer: {why}")))
}

fn follow(lookout: &Arc<Lookout>, group: GroupId, from: Remote) -> Result<Response, Refused> {
    let place = FOLLOWERS.place(from)?;
    let sights = lookout.follow(group);
    let sights = sights.map(|sight| Sse::default().data(serde_json::to_string(&sight).unwrap_or_default()));
    Ok(readers::stream(place, sights))
}
