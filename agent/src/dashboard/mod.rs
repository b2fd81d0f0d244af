//! The dashboard: one page, drawn here, that answers from the top: who leads, is it safe, what happened, what can I do.
//!
//! ```text
//!  picture, story, samples ──> Scene ──> Fragments ──> Frame ──> page (whole, readable without JavaScript)
//!                                                        └─────> live stream: what has changed, once for all readers
//! ```
//! It decides nothing, and acts by nothing but the acts that everybody has. A store that hangs holds up no page but those
//! that read what is only there: explanations, how files differ, all alerts. What peers say is text, and a link only where it is an address.

mod act;
mod alerts;
mod ask;
mod assets;
mod beats;
mod drift;
mod events;
mod explain;
mod fragment;
mod frame;
mod groups;
mod head;
mod link;
mod live;
mod manage;
mod members;
mod moment;
mod page;
mod patch;
mod samples;
mod scene;
mod sparkline;
mod stories;
mod timeline;
mod wall;
mod window;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};

use crate::api::Api;
use crate::vitals::Vitals;

use samples::Samples;
use wall::Wall;

/// The paths of the dashboard. Starts what keeps it up to date; that ends with the loop.
pub(crate) fn routes(api: &Api, vitals: Arc<Vitals>) -> Router<Api> {
    let samples = Samples::default();
    tokio::spawn(samples.clone().take(api.shown.clone(), api.facts.clone(), vitals));
    let wall = Arc::new(Wall::new(api.clone(), samples));
    tokio::spawn(Arc::clone(&wall).keep());
    Router::new()
        .route("/", get(front))
        .route("/dashboard/live", get(live::live))
        .route("/dashboard/ask/{what}/{group}", get(ask::ask))
        .route("/dashboard/act/{what}/{group}", post(act::act))
        .route("/dashboard/acts/{group}/{id}", get(act::outcome))
        .route("/dashboard/alerts", get(alerts::all))
        .route("/dashboard/drift/{group}", get(drift::drift))
        .route("/explain/{group}", get(explain::newest))
        .route("/explain/{group}/{epoch}", get(explain::epoch))
        .with_state(wall)
        .merge(assets::routes())
}

async fn front(State(wall): State<Arc<Wall>>) -> Response {
    let frame = wall.visit().await;
    Html(page::front(&frame).into_string()).into_response()
}
