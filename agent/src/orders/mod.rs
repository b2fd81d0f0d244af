//! What people order of a group: taken on any node, changed by compare-and-swap, and its outcome written down. It carries
//! nothing out: the members heed what stands in the record, and who leads obeys.
//!
//! ```text
//!  API, AMP's calls ──> desk ── orders/GROUP, by compare-and-swap ──> every member's loop heeds it
//!                                   ^                                        │ the leader hands over, or refuses
//!                                   └──── clerk: what came of it <───────────┘ the group's record says so
//! ```

mod book;
mod change;
mod clerk;
mod desk;
mod files;
mod forget;
mod settle;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

pub use book::{Asked, Book};
pub use change::{Objection, Verb};
pub use clerk::Refusal;
pub use desk::Orders;
pub use files::is_open_push;

use crate::driver::Message;
use crate::history::History;
use crate::snapshot::{Facts, Snapshot};

/// Where acts are taken, and where the loop says what it refuses. What keeps the record goes on until the loop ends.
pub fn begin(
    facts: &Facts,
    shown: &watch::Receiver<Arc<Snapshot>>,
    inbox: &mpsc::Sender<Message>,
    history: &History,
) -> (Orders, mpsc::Sender<Refusal>) {
    let (config, records) = (&facts.config, &facts.records);
    let orders = Orders::new(records, shown.clone(), inbox.clone(), &config.node.name);
    let (refusals, refused) = mpsc::channel(clerk::REFUSALS);
    let files = facts.files.clone();
    let clerk =
        clerk::Clerk::new(orders.clone(), records, files, history.clone(), &config.node.name, shown.clone(), refused);
    tokio::spawn(clerk.work());
    if let Some(after) = config.cluster.forget {
        tokio::spawn(forget::forget(orders.clone(), records.clone(), shown.clone(), after));
    }
    (orders, refusals)
}
