//! The dashboard: one page, drawn here, that answers from the top: who leads, is it safe, what happened, what can I do.
//!
//! ```text
//!  picture, story, samples ──> Scene ──> Fragments ──> Frame ──> page (whole, readable without JavaScript)
//!                                                        └─────> live stream: what has changed, once for all readers
//! ```
//! It only shows. It decides nothing, asks no store on a reader's behalf, and takes nothing from outside of this agent;
//! what peers say is text, and a link only where it is an address.

mod assets;
mod beats;
mod events;
mod fragment;
mod frame;
mod groups;
mod head;
mod link;
mod live;
mod members;
mod moment;
mod page;
mod samples;
mod scene;
mod sparkline;
mod wall;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

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
        .with_state(wall)
        .merge(assets::routes())
}

async fn front(State(wall): State<Arc<Wall>>) -> Response {
    let frame = wall.paint();
    Html(page::front(&frame).into_string()).into_response()
}
