//! The embedded store: the records are a log that a majority of the members has on disk (Raft, by openraft), and
//! every node holds what the log makes of them in memory.
//!
//! It opens no socket and knows no TLS: the agent gives it a [`Wire`] and hands what arrives to [`Raft::answer`]. It
//! never goes on over a log that may be lost: after a failed write, or over a damaged file, it answers
//! [`Unavailable`](crate::Unavailable) and [`Unknown`](crate::Written::Unknown) for good, and says why.
//!
//! ```text
//!   Store ── lead ──(Control)──> the leader ── openraft ──(Log, Bulk)──> road ── Wire ──> answer, on the others
//!                                                 │
//!                       journal ── scribe ── disk │ machine ── records, law ── shelf
//!                       (the log, one thread)     │ (in memory)                (the snapshot)
//! ```

mod answer;
mod disk;
mod found;
mod frame;
mod health;
mod journal;
mod law;
mod lead;
mod machine;
mod members;
mod open;
mod pace;
mod picture;
mod records;
mod road;
mod scribe;
mod shelf;
mod store;
mod suspect;
#[cfg(test)]
mod tests;
mod types;
mod wire;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use openraft::type_config::alias;
use tokio::sync::watch;

use answer::Inbox;
use health::Heard;
use journal::Journal;
use machine::Desk;
use scribe::Scribe;
use types::{Consensus, Metrics, Types};

pub use health::Health;
pub use law::{Law, Lawless, Standing};
pub use members::{Member, Unchanged};
pub use open::{Settings, prepare};
pub use pace::Pace;
pub use types::Peer;
pub use wire::{Lane, MESSAGE_LEN_MAX, Unreachable, Wire};

/// One member of a cluster; clones are handles to it. It ends with [`Raft::close`], or with the last handle.
#[derive(Clone)]
pub struct Raft(Arc<Inner>);

struct Inner {
    id: u64,
    raft: Consensus,
    metrics: alias::WatchReceiverOf<Types, Metrics>,
    wire: Arc<dyn Wire>,
    desk: Arc<Desk>,
    journal: Journal,
    scribe: Scribe,
    inbox: Inbox,
    heard: Heard,
    caught_up: AtomicBool,
    /// One change of the members at a time, and none is finished by others while it is under way here.
    changing: tokio::sync::Mutex<()>,
    health: watch::Sender<Health>,
    pace: Pace,
    timeout: Duration,
}

impl std::fmt::Debug for Raft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Raft({:016x})", self.0.id)
    }
}
