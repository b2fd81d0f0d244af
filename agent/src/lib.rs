//! The Hotseat agent: everything that touches the machine. It decides nothing that `hotseat-core` could decide.
//!
//! ```text
//!            signals, operators, peers
//!                      │
//!   store ──looks──> the one loop (driver) ──commands──> guard ──> services, hooks
//!         <─writes──   │  hotseat_core::Node
//!                      │ a picture, when one has changed it
//!                      v
//!          API · health endpoints · proxies · history
//! ```

pub mod alerts;
pub mod api;
pub mod check;
pub mod checkport;
pub mod clock;
pub mod codec;
pub mod config;
mod dashboard;
pub mod drain;
pub mod drill;
pub mod driver;
mod durable;
pub mod election;
pub mod embedded;
pub mod follow;
pub mod history;
pub mod home;
pub mod identity;
pub mod ledger;
pub mod links;
pub mod listen;
pub mod lock;
pub mod logging;
pub mod metrics;
pub mod orders;
pub mod output;
pub mod peers;
mod places;
pub mod proxies;
pub mod proxy;
pub mod pulse;
pub mod random;
mod ready;
pub mod records;
mod reliance;
pub mod rights;
mod run;
pub mod shelf;
pub mod snapshot;
pub mod sockets;
pub mod story;
pub mod supervisor;
pub mod sync;
pub mod tasks;
mod telemetry;
pub mod unit;
mod vigil;
pub mod vip;
pub mod vitals;

pub use run::{Failure, Options, Signal, run};
