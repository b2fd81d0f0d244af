//! `hotseat lock`: a command that runs while it holds a lock, and is dead before anybody else has it.
//!
//! ```text
//!  hotseat lock ── records, through the agent on this machine ──> store
//!     │  core::Node: one session, one cold group for each seat of the lock
//!     └── guard ── keeper ── lock-child, which becomes CMD ── all that CMD forks
//! ```
//! A lock is a small agent of its own: the same protocol, the same guard, the same promises. Its lease needs the agent's
//! store and nothing else of it: an agent that is started anew while a lock is held is not noticed, and one that stays
//! away costs the command its life before the lease ends. It decides nothing that `core` decides.

mod ballot;
mod entry;
mod holder;
mod listing;
mod name;
mod parcel;
mod place;
mod queue;
mod relay;
mod run;
mod seats;
mod shared;
mod sight;
mod signals;
mod silence;
mod terms;
mod verdict;

pub(crate) use entry::Entry;
pub(crate) use queue::Queue;
pub(crate) use seats::{Bench, node_config};
pub(crate) use shared::Shared;
pub(crate) use sight::signature;
pub(crate) use terms::Terms;

pub use ballot::{Ears, Heard, WAITING_MAX, Word};
pub use listing::{Listing, check};
pub use name::{GROUP_PREFIX, LockName, NODE_PREFIX, SEATS_MAX, is_a_locks, is_on};
pub use parcel::become_command;
pub use run::{Failure, Options, Patience, run};
pub use sight::locks;
pub use verdict::{Ended, Held};
