//! `GET /api/groups/{group}/sight`: one group as the store tells of it, as JSON, or, for who accepts
//! `text/event-stream`, again whenever it changes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event as Sse, KeepAlive};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::StreamExt;
use hotseat_client::Sight;
use hotseat_core::GroupId;
use tokio::sync::Semaphore;

use super::{Api, Refused, find, refuse, wants_stream};
use crate::follow::Lookout;

/// Followers at once: a few proxies and screens, and each costs some work for every write to the store.
const FOLLOWERS_MAX: usize = 64;

/// A follower that went away is found out by what is written to it, at the second try; until then it keeps its place.
pub(super) const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

static FOLLOWERS: Semaphore = Semaphore::const_new(FOLLOWERS_MAX);

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

async fn sight(State(watched): State<Watched>, Path(group): Path<String>, headers: HeaderMap) -> Response {
    let id = match find(&watched.api.snapshot(), &group) {
        Ok(group) => group.id.clone(),
        Err(refused) => return refused.into_response(),
    };
    if wants_stream(&headers) {
        return follow(&watched.lookout, id).into_response();
    }
    once(&watched.lookout, &id).await.into_response()
}

async fn once(lookout: &Lookout, group: &GroupId) -> Result<Json<Sight>, Refused> {
    let sight = lookout.look(group).await;
    sight.map(Json).map_err(|why| refuse(StatusCode::SERVICE_UNAVAILABLE, format!("the store does not answer: {why}")))
}

fn follow(lookout: &Arc<Lookout>, group: GroupId) -> Result<impl IntoResponse + use<>, Refused> {
    let many = || format!("{FOLLOWERS_MAX} follow groups already; ask without text/event-stream");
    let place = FOLLOWERS.try_acquire().map_err(|_| refuse(StatusCode::SERVICE_UNAVAILABLE, many()))?;
    let sights = lookout.follow(group).map(move |sight| {
        let _ = &place;
        Ok::<_, Infallible>(Sse::default().data(serde_json::to_string(&sight).unwrap_or_default()))
    });
    Ok(axum::response::Sse::new(sights).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)))
}
