//! The embedded store's side of an agent: who belongs to the cluster, who votes, and what members say to each other.
//!
//! ```text
//!   links ── votes ──> reception ──> the loop ── voting ──> links
//!         ── log, bulk, control ──> reception ──> raft ── road ──> links
//!   roll (in the log) ── steward ──steps──> the log's members, the record of voters
//! ```

mod enrol;
mod facts;
mod knock;
mod law;
mod newcomer;
mod open;
mod promises;
mod reception;
mod road;
pub mod roll;
mod seat;
pub mod steps;
mod steward;
mod terms;
mod votes;
mod voting;

pub(crate) use enrol::belonging;
pub use enrol::{Stays, retire};
pub use facts::Facts;
pub use newcomer::{Came, Founded, Newcomer, come, come_certified, found};
pub use open::{Embedded, open};
pub use promises::Promises;
pub use reception::Reception;
pub use roll::Assembly;
pub use seat::Seat;
pub use steward::voters;
pub use terms::tell as tell_terms;
pub use votes::Vote;
pub use voting::Voting;
