//! Files that are the same on all members of a group: sent by the leader, or only compared.
//!
//! ```text
//!  files ──stamps, digests──> Keeper (one per group) ──> files/NODE/GROUP   what this member has
//!                                │   ^
//!             the leader: pushes │   │ everybody: fetches, stages, renames
//!                                v   │
//!                  sync/GROUP   the book: versions, each with its pieces
//!                  sync/GROUP/N a bounded set of places for pieces, used again
//! ```
//! It touches only what the configuration of this very machine names, whatever stands in the store, and loses no bytes
//! that it did not bring. It has no part in who leads, and the one loop never waits for it.

mod digest;
mod drift;
mod entry;
mod keeper;
mod owners;
mod place;
mod report;
mod scan;
mod shown;
mod store;

use std::sync::Arc;

use tokio::sync::watch;

pub use shown::Board;

use crate::history::History;
use crate::shelf::Shelf;
use crate::snapshot::Snapshot;
use crate::unit::Unit;
use keeper::Keeper;

/// Files and folders of one set: each costs a `stat` every few seconds.
const ENTRIES_MAX: usize = 512;
/// Bytes of one file.
const FILE_MAX: u64 = 1 << 20;
/// Bytes of one set: all that is kept of it is in every member's memory. Larger things want a tool that is made for them.
const BYTES_MAX: u64 = 2 << 20;
/// How a file's name begins that we have put beside another for a moment. Hidden, so that programs pass it over.
const STAGED: &str = ".hotseat-sync-";

/// What the keepers work with.
pub struct Hands {
    /// The records.
    pub shelf: Shelf,
    /// The loop's picture.
    pub picture: watch::Receiver<Arc<Snapshot>>,
    /// Where it is told.
    pub history: History,
    /// Where it is shown.
    pub board: Board,
}

/// Starts a keeper for each group that names files. They end with the runtime.
pub fn start(units: &[Arc<Unit>], hands: &Arc<Hands>) {
    for unit in units {
        if let Some(sync) = &unit.config.sync {
            tokio::spawn(Keeper::new(Arc::clone(unit), sync.clone(), Arc::clone(hands)).run());
        }
    }
}
