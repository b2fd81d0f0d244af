//! `GET /api/groups/{group}/way`: the way to a group's leader, for programs and proxies elsewhere that have no token. As JSON,
//! or, for who accepts `text/event-stream`, word that it may have changed.
//!
//! It tells what anybody can find out who may connect to the members' ports: who leads, and where to knock.

use std::future::ready;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::Event as Sse;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use futures_util::StreamExt;
use hotseat_client::{Cluster, Event, Group, Member, Store};

use super::readers::{self, Readers};
use super::{Api, Remote, find};

/// Beside those who read events.
static FOLLOWERS: Readers = Readers::public(256, "follow already; ask without text/event-stream");

/// The path of this file.
pub(super) fn routes() -> Router<Api> {
    Router::new().route("/api/groups/{group}/way", get(way))
}

async fn way(
    State(api): State<Api>,
    Extension(remote): Extension<Remote>,
    Path(group): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Err(refused) = find(&api.snapshot(), &group) {
        return refused.into_response();
    }
    if readers::wants_stream(&headers) { follow(&api, group, remote) } else { Json(told(&api, &group)).into_response() }
}

fn told(api: &Api, group: &str) -> Cluster {
    let whole = api.snapshot().cluster(&api.facts);
    let store = Store { trouble: None, voters: None, ..whole.store };
    let groups = whole.groups.into_iter().filter(|its| its.id == group).map(bare).collect();
    Cluster { store, groups, ..whole }
}

/// What leads there, and nothing of how anybody is.
fn bare(group: Group) -> Group {
    let members = group.members.into_iter();
    let members =
        members.map(|it| Member { version: String::new(), contained: String::new(), trouble: None, pid: None, ..it });
    Group { reason: String::new(), members: members.collect(), ..group }
}

fn follow(api: &Api, group: String, from: Remote) -> Response {
    let place = match FOLLOWERS.place(from) {
        Ok(place) => place,
        Err(many) => return many.into_response(),
    };
    let (_past, news) = api.history.subscribe(u64::MAX);
    let its = move |event: &Event| ready(event.group.as_ref().is_none_or(|its| *its == group));
    readers::stream(place, readers::news(news).filter(its).map(word))
}

/// That something happened, and not what.
fn word(event: Event) -> Sse {
    let word = Event { kind: String::from("news"), text: String::new(), epoch: None, ..event };
    Sse::default().data(serde_json::to_string(&word).unwrap_or_default())
}
