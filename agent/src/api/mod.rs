//! What an agent answers over HTTP. Every answer comes from the loop's last picture, so a store that hangs
//! cannot hold it up; acts are handed to the loop. It decides nothing.

pub(crate) mod acts;
mod alerts;
mod amp;
mod bodies;
mod cluster;
mod drained;
mod drill;
mod elections;
mod events;
mod health;
pub mod local;
mod locks;
mod login;
mod members;
mod metrics;
mod needs;
mod nsg;
mod openapi;
pub(crate) mod query;
pub(crate) mod readers;
mod refusals;
mod remote;
pub(crate) mod removal;
mod serve;
mod shares;
mod sight;
mod story;
pub(crate) mod sync;
mod tokens;
mod votes;
mod way;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use hotseat_client::Refusal;
use hotseat_core::{GroupId, GroupView};
use tokio::sync::{mpsc, watch};

pub use remote::Remote;
pub(crate) use serve::HEAD_LIMIT;
pub use serve::{Front, serve, web};

use crate::alerts::Alerts;
use crate::dashboard;
use crate::drill::Drills;
use crate::driver::Message;
use crate::election::Elections;
use crate::history::History;
use crate::ledger::Ledger;
use crate::lock::Listing;
use crate::orders::Orders;
use crate::rights::{self, Door, Rights};
use crate::shelf::Shelf;
use crate::snapshot::{Facts, Snapshot};
use crate::vitals::Vitals;

/// Longest body of a request, in bytes: an act is a line.
const BODY_MAX: usize = 64 * 1024;

/// What the answers are made of.
#[derive(Clone)]
pub struct Api {
    /// The loop's picture.
    pub shown: watch::Receiver<Arc<Snapshot>>,
    /// What belongs to it.
    pub facts: Facts,
    /// The story.
    pub history: History,
    /// The story of each group, by its changes.
    pub ledger: Ledger,
    /// The loop.
    pub inbox: mpsc::Sender<Message>,
    /// What there is of locks.
    pub locks: Arc<Listing>,
    /// Where acts are taken.
    pub orders: Orders,
    /// The candidates of this machine.
    pub elections: Elections,
    /// Who is told of what.
    pub alerts: Alerts,
    /// Fire drills.
    pub drills: Drills,
    /// Who may do what.
    pub rights: Rights,
    /// What the agents write down for each other.
    pub shelf: Shelf,
}

impl Api {
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.shown.borrow())
    }
}

/// Every path. What each needs stands in [`needs`].
pub fn router(api: Api, vitals: Arc<Vitals>) -> Router {
    let dashboard = dashboard::routes(&api, vitals);
    let amp = amp::routes(&api);
    let locks = locks::routes(&api);
    let sights = sight::routes(&api);
    let door = Door { rights: api.rights.clone(), needs: needs::need, is_act: needs::is_act };
    Router::new()
        .route("/api/cluster", get(cluster::cluster))
        .route("/api/elections/{name}", post(elections::stand))
        .route("/api/events", get(events::events))
        .route("/api/groups/{group}/drained", get(drained::drained))
        .route("/api/lock/renew", post(votes::renew))
        .route("/api/lock/votes", get(votes::votes))
        .route("/api/members", get(members::list))
        .route("/api/members/invite", post(members::invite))
        .route("/api/members/remove", post(members::remove))
        .route("/api/snapshot", get(members::snapshot))
        .route("/health", get(health::health))
        .route("/metrics", get(metrics::metrics))
        .route("/leader/{group}", get(health::leader).options(health::leader))
        .route("/standby/{group}", get(health::standby).options(health::standby))
        .merge(drill::routes())
        .merge(amp)
        .merge(nsg::routes())
        .merge(openapi::routes())
        .merge(dashboard)
        .merge(acts::routes())
        .merge(removal::routes())
        .merge(alerts::routes())
        .merge(locks)
        .merge(login::routes())
        .merge(sights)
        .merge(story::routes())
        .merge(sync::routes())
        .merge(tokens::routes())
        .merge(way::routes())
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(axum::middleware::map_response(refusals::as_json))
        .layer(from_fn_with_state(door, rights::pass))
        .with_state(api)
}

pub(crate) type Refused = (StatusCode, axum::Json<Refusal>);

pub(crate) fn refuse(status: StatusCode, error: impl Into<String>) -> Refused {
    let again = status == StatusCode::SERVICE_UNAVAILABLE;
    (status, axum::Json(Refusal { error: error.into(), leader: None, again }))
}

async fn unknown(uri: Uri) -> Refused {
    let path: String = uri.path().chars().take(80).collect();
    refuse(
        StatusCode::NOT_FOUND,
        format!("nothing is at {path}; try /api/cluster, /api/events, /leader/GROUP or /health"),
    )
}

async fn wrong_method(State(_): State<Api>, uri: Uri) -> Refused {
    let path: String = uri.path().chars().take(80).collect();
    refuse(StatusCode::METHOD_NOT_ALLOWED, format!("{path} does not take this method"))
}

/// Finds a group by its id.
pub(crate) fn find<'a>(snapshot: &'a Snapshot, id: &str) -> Result<&'a GroupView, Refused> {
    let id = GroupId::new(id).ok();
    let known = || {
        let ids: Vec<_> = snapshot.view.groups.iter().map(|group| group.id.as_str()).collect();
        format!("no such group; this node has: {}", ids.join(", "))
    };
    id.and_then(|id| snapshot.group(&id)).ok_or_else(|| refuse(StatusCode::NOT_FOUND, known()))
}
