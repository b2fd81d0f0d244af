//! The laboratory: clusters of real agents around real servers, real faults, and observers outside of them.
//!
//! ```text
//!  Spec ──start──> Cluster ──> Node: agent, guard, keepers, service ── faults: kill, stop, freeze, lose the store
//!                     │
//!     Observer ───────┤ asks every service directly, with one clock: who answers as leader, in which epoch
//!     Witness  ───────┤ watches every process: are services of two nodes alive at one instant
//!     Addresses ──────┤ watches every host's interfaces: does an address belong to two of them at one instant
//!     Registers ──────┘ take what the services write, one of them fenced; their history is judged afterwards
//!     Net: hosts of their own for the nodes, and what can be done to the wires
//! ```
//!
//! It starts the *built* binary and knows nothing of what is inside of it. Everything it starts carries a mark
//! in its environment, so that nothing of a cluster outlives its test. Never shipped.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test that cannot go on stops")]
#![forbid(unsafe_code)]

pub mod addresses;
pub mod balancer;
pub mod browser;
pub mod case;
pub mod certificate;
pub mod clock;
pub mod cluster;
pub mod disk;
pub mod faults;
mod freezer;
pub mod haproxy;
pub mod history;
pub mod http;
pub mod inject;
mod line;
pub mod load;
mod members;
pub mod net;
pub mod node;
pub mod observer;
mod ports;
pub mod processes;
pub mod program;
pub mod receiver;
pub mod register;
pub mod rivals;
pub mod servers;
pub mod spec;
pub mod starve;
pub mod witness;
pub mod writer;

pub use balancer::Balancer;
pub use browser::Browser;
pub use case::Case;
pub use cluster::Cluster;
pub use haproxy::Haproxy;
pub use history::History;
pub use net::Net;
pub use node::Node;
pub use observer::{Observer, Timeline};
pub use register::Registers;
pub use spec::Spec;
pub use witness::Witness;

use std::time::{Duration, Instant};

/// How long anything may take before a test gives up: far above what it takes on a busy machine.
pub const CEILING: Duration = Duration::from_secs(60);

/// Between two looks at something that is waited for.
pub const PACE: Duration = Duration::from_millis(5);

/// Waits until `found` finds something; `None` after `limit`.
pub fn poll<T>(limit: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = found() {
            return Some(found);
        }
        if start.elapsed() > limit {
            return None;
        }
        std::thread::sleep(PACE);
    }
}

/// Makes a test of each function for every store: `dir::NAME` and `raft::NAME`.
#[macro_export]
macro_rules! on_every_store {
    ($($name:ident),* $(,)?) => {
        mod dir {
            $(#[test] fn $name() { super::$name($crate::spec::Store::Dir) })*
        }
        mod raft {
            $(#[test] fn $name() { super::$name($crate::spec::Store::Raft) })*
        }
    };
}
