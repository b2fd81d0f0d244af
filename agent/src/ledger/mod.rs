//! The story of every group: who led when, why it changed, how long each step took, and what did not come to be.
//!
//! ```text
//!   the loop ── notes ──> Tap ──> teller: a Chronicle per group ── pages ──> scribe ── compare-and-swap ──> story/GROUP
//!   proxies ── first client, longest wait ──^                                             API, explain <──┘
//! ```
//!
//! The loop never waits for it: notes that do not fit are lost, and what they would have told is not known. What is
//! written is what one node saw on its own clock. Nothing is decided by it.

mod book;
mod chronicle;
mod note;
mod present;
mod scribe;
mod tap;
mod teller;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hotseat_core::{GroupId, NodeName};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::metrics::Counts;
use crate::proxy::Tally;
use crate::shelf::Shelf;
use crate::snapshot::Snapshot;
use crate::telemetry::Telemetry;
pub use book::Book;
pub use present::present;
use scribe::{Kept, Scribe};
pub(crate) use tap::Tap;
use teller::Teller;

/// Notes that may wait: some hundred groups that change at once, a dozen notes each.
const NOTES_MAX: usize = 8192;

/// Pages that may wait for the scribe, who keeps them by group.
const PAGES_MAX: usize = 1024;

/// How long an agent that stops waits for its last pages.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A handle on the books. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    shelf: Shelf,
    kept: Kept,
}

/// What keeps writing until the loop has ended.
pub(crate) struct Writing(JoinHandle<()>);

/// What a ledger is made of.
pub(crate) struct Sources {
    /// Where the books stand.
    pub(crate) shelf: Shelf,
    /// This node.
    pub(crate) node: NodeName,
    /// The lease's ttl.
    pub(crate) ttl: Duration,
    /// What clients see of changes, by group.
    pub(crate) tallies: BTreeMap<GroupId, Tally>,
    /// The loop's picture.
    pub(crate) shown: watch::Receiver<Arc<Snapshot>>,
    /// Where outages are counted.
    pub(crate) counts: Counts,
    /// Who else is told.
    pub(crate) telemetry: Telemetry,
}

/// Starts the ledger: a tap for the loop, a handle for readers, and what to wait for at the end.
pub(crate) fn start(sources: Sources) -> (Tap, Ledger, Writing) {
    let (notes, noted) = mpsc::channel(NOTES_MAX);
    let (sender, pages) = mpsc::channel(PAGES_MAX);
    let kept = Kept::default();
    let ledger = Ledger { shelf: sources.shelf.clone(), kept: kept.clone() };
    let teller = Teller::new(&sources, notes.downgrade(), sender);
    tokio::spawn(teller.run(noted));
    let scribe = Scribe { shelf: sources.shelf, kept, pages, telemetry: sources.telemetry };
    let writing = Writing(tokio::spawn(scribe.run()));
    (Tap::new(sources.node, sources.ttl, notes), ledger, writing)
}

impl Writing {
    /// Waits until everything is written, but no longer than a moment. The loop, and its tap, must have ended.
    pub(crate) async fn finish(self) {
        // A store that does not answer must not keep an agent from stopping.
        let _late = tokio::time::timeout(LAST_WORDS, self.0).await;
    }
}

impl Ledger {
    /// A group's book as the store has it; or, with the reason, as this agent has seen it last.
    pub async fn book(&self, group: &GroupId) -> (Book, Option<String>) {
        match self.shelf.read::<Book>(&scribe::key(group)).await {
            Ok(found) => {
                let book = found.map(|found| found.record).unwrap_or_default();
                self.kept.put(group, book.clone());
                (book, None)
            }
            Err(why) => (self.kept.get(group).unwrap_or_default(), Some(why.to_string())),
        }
    }
}
