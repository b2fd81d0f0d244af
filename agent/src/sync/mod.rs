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

mod apply;
mod book;
mod compare;
mod desk;
mod diff;
mod digest;
mod drift;
mod entry;
mod keeper;
mod local;
mod member;
mod owners;
mod pack;
mod place;
mod report;
mod saved;
mod scan;
mod send;
mod shown;
mod state;
mod store;

use std::sync::Arc;

use tokio::sync::watch;

pub use desk::{Desk, DeskError};
pub use shown::Board;
pub use store::Versions;

use crate::config::{Config, overlap};
use crate::history::History;
use crate::shelf::Shelf;
use crate::snapshot::Snapshot;
use crate::tasks::Tasks;
use crate::unit::Unit;
use keeper::Keeper;
use local::Local;
use member::Member;
use state::Records;

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
    /// Which of them have changed.
    pub versions: Versions,
    /// The loop's picture.
    pub picture: watch::Receiver<Arc<Snapshot>>,
    /// To run commands.
    pub tasks: Tasks,
    /// Where it is told.
    pub history: History,
    /// Where it is shown.
    pub board: Board,
}

/// Starts a keeper for each group that names files, which end with the runtime; where operators ask.
///
/// # Errors
/// When this node's folder cannot take what is to be remembered, or is itself among the files.
pub fn start(config: &Config, units: &[Arc<Unit>], hands: &Arc<Hands>) -> Result<Desk, String> {
    let data_dir = &config.node.data_dir;
    for unit in units {
        let Some(sync) = &unit.config.sync else { continue };
        // The folder may have been given on the command line.
        if let Some(named) = sync.paths.iter().find(|named| overlap(&named.path, data_dir)) {
            return Err(format!("[group.sync] {} and data_dir {} overlap", named.name, data_dir.display()));
        }
        let records = Records::open(data_dir, unit.id());
        let records = records.map_err(|error| format!("data_dir {}: {error}", data_dir.display()))?;
        let member = Member::new(Arc::clone(unit), sync.clone(), Arc::clone(hands), Local::new(records));
        tokio::spawn(Keeper::new(member, Arc::clone(hands)).run());
    }
    Ok(Desk::new(hands.shelf.clone(), hands.versions.clone(), config.node.name.as_str(), hands.board.clone()))
}
