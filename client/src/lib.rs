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

mod client;
mod lock;
mod sight;
mod wire;

pub use client::{Client, Error};
pub use lock::{Lock, LockParty, LockSeat, LockTerms, LockTiming, StoreWrite, StoreWritten, StoredRecord};
pub use sight::{Sight, Sighted};
pub use wire::{
    Cluster, Event, Group, Invitation, Invite, Member, Refusal, Remove, Roll, Seat, Self_, Store, Switchover, Voters,
};
