//! The lease protocol of Hotseat as a value: `step(now, input) -> actions`.
//!
//! One [`Node`] is one agent's mind. It is told what happened ([`Input`]), with the time on its own
//! clock, and answers with what is to be done ([`Action`]). It decides who leads, when a service
//! starts and stops, and when a session is over.
//!
//! It never does anything: no I/O, no clock, no randomness, no thread. The same inputs give the same
//! actions, byte for byte, so the simulator can search it and a failure can be replayed.
//!
//! The rules it follows have names (`A1` … `D7`, see PROTOCOL.md); the code says where each one lives.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod id;
mod mode;
mod time;
mod timing;

pub use id::{Epoch, GroupId, InvalidName, Nonce, NodeName, SessionId, Version};
pub use mode::{Mode, OnExit, Standby};
pub use time::Instant;
pub use timing::{Promise, Timing, UnsafeTiming};
