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

mod account;
mod demise;
mod desk;
mod election;
mod group;
mod health;
mod id;
mod law;
mod message;
mod mode;
mod mutant;
mod node;
mod observe;
mod orders;
mod proof;
mod quorum;
mod record;
mod register;
mod roster;
mod service;
mod session;
mod tally;
mod time;
mod timing;
mod view;
mod voter;

pub use account::{Edge, Field, Heard};
pub use demise::Demise;
pub use election::{Candidate, order};
pub use group::{Bar, GroupConfig, Seat, unrest_pause};
pub use health::{Health, HealthLimits};
pub use id::{Epoch, GroupId, InvalidName, NodeName, Nonce, SessionId, Version, VoterId};
pub use law::allows;
pub use message::{
    Action, Event, Exit, Expect, GuardCommand, GuardReport, Input, Look, Outcome, Reason, ServiceInput, Ticket,
};
pub use mode::{Mode, OnExit, Standby};
pub use mutant::{Mutant, Rules};
pub use node::{Node, NodeConfig};
pub use orders::{MemberOrder, Ordered, OrdersRecord};
pub use proof::{Proof, ProofHash, Secret};
pub use quorum::{Answer, Question, Renewal, VoterConfig};
pub use record::{
    Grounds, GroupRecord, Key, Leader, Member, MemberState, Record, SessionRecord, SessionState, VotersRecord,
};
pub use service::{Backoff, Role, ServiceConfig};
pub use time::Instant;
pub use timing::{Promise, Timing, UnsafeTiming};
pub use view::{Barred, GroupView, Lease, MemberView, View};
