//! The wire types of the Hotseat API and a typed client for them; what others embed.
//!
//! It knows nothing of the protocol behind the API, and never decides anything.
//!
//! ```no_run
//! # async fn example() -> Result<(), hotseat_client::Error> {
//! let client = hotseat_client::Client::new("http://127.0.0.1:7700")?;
//! for group in client.cluster().await?.groups {
//!     println!("{} is led by {:?} in epoch {}", group.id, group.leader, group.epoch);
//! }
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

mod access;
mod address;
mod backoff;
mod candidate;
mod client;
mod clock;
mod drills;
mod election;
mod error;
mod layer;
mod leader;
mod lock;
mod members;
mod plain;
mod sight;
mod span;
mod tenure;
mod tokens;
mod wire;

pub use access::Access;
pub use candidate::{Candidate, Leadership};
pub use client::Client;
pub use election::{HOLD_MAX, Stand, StandState, Standing};
pub use error::Error;
pub use leader::{Leader, Leading};
pub use lock::{Lock, LockParty, LockSeat, LockTerms, LockTiming, StoreWrite, StoreWritten, StoredRecord};
pub use plain::{is_hidden, visible};
pub use sight::{Sight, Sighted};
pub use span::{in_units, in_words};
pub use wire::*;

/// A `tower` layer that sends each request to the leader's service, and again where that is safe.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use hotseat_client::Leader;
/// use hotseat_client::tower::LeaderLayer;
/// use tower::{Layer, Service, service_fn};
///
/// let http = reqwest::Client::new();
/// let send = service_fn(move |request: http::Request<String>| {
///     let http = http.clone();
///     async move { http.execute(request.try_into()?).await.map(http::Response::<reqwest::Body>::from) }
/// });
/// let leader = Leader::follow(["10.0.0.101:7700"], "web")?;
/// let mut service = LeaderLayer::new(leader).not_sent(reqwest::Error::is_connect).layer(send);
/// // No host in it: that is the leader's.
/// let answer = service.call(http::Request::get("/hello").body(String::new())?).await?;
/// println!("{}", answer.status());
/// # Ok(()) }
/// ```
pub mod tower {
    pub use crate::layer::{CallError, EPOCH_HEADER, LeaderLayer, ToLeader};
}
