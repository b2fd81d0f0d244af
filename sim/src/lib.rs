//! The seeded simulator of the Hotseat protocol. One seed is one run, and the same seed gives the same
//! bytes.
//!
//! It drives [`hotseat_core::Node`] exactly as an agent does, on machines that drift, pause, freeze and
//! crash, over a store that loses answers and applies late, and checks at every instant what Hotseat
//! promises. It never looks at the real world: no clock, no thread, no hash order.
#![forbid(unsafe_code)]

mod clock;
mod disk;
mod event;
mod fault;
mod guard;
mod invariants;
mod links;
mod log;
mod machine;
mod net;
mod order;
mod plan;
mod queue;
mod replay;
mod rng;
mod run;
mod script;
mod service;
mod store;
mod story;
mod trace;
mod world;

pub use clock::{MS, SECOND};
pub use invariants::Broken;
pub use plan::{Lean, Plan, Profile};
pub use replay::{Replayed, replay};
pub use run::{Failure, Report, run};
pub use script::{play, play_without};
pub use trace::Keep;
