//! How one comes in who wants a lock: a place on its machine, the name that goes with it, and a mark at a free lock.

use hotseat_core::{Key, Look, NodeName, Record, SessionState};

use super::name::{LockName, node_name};
use super::place::Place;
use super::queue::{self, Queue};
use super::terms::Terms;
use crate::random;
use crate::records::Records;

/// See the module.
pub(crate) struct Entry {
    /// Kept for as long as the lock is wanted or held.
    pub(crate) place: Place,
    /// Whose session it is.
    pub(crate) name: NodeName,
    /// Where it stands in line.
    pub(crate) queue: Queue,
}

impl Entry {
    /// Takes a place, ends what an earlier lock may have left there, and marks the lock if nobody else wants it.
    ///
    /// # Errors
    /// Why it cannot come in, in words.
    pub(crate) async fn take(
        terms: &Terms,
        records: &Records,
        look: &Look,
        lock: &LockName,
        queue: Queue,
    ) -> Result<Self, String> {
        let place = free_place(terms, look)?;
        let name = node_name(&terms.node, place.number);
        sweep(&terms.cluster, name.as_str()).await?;
        if !queue.held && queue.waiting == 0 {
            mark(records, look, lock, queue.seat, &name).await?;
        }
        Ok(Self { place, name, queue })
    }
}

/// A place whose last lock is known to have ended, if there is one: else it has to be waited for.
fn free_place(terms: &Terms, look: &Look) -> Result<Place, String> {
    let ended = |number| match look.records.get(&Key::Session(node_name(&terms.node, number))) {
        None => true,
        Some((_, Ok(Record::Session(record)))) => record.state != SessionState::Alive,
        Some(_) => false,
    };
    Place::take(&terms.cluster, &terms.node, ended)
}

/// What an earlier lock in this place left behind without a guard must be dead before anything is started.
async fn sweep(cluster: &str, name: &str) -> Result<(), String> {
    let (cluster, name) = (cluster.to_owned(), name.to_owned());
    let swept = tokio::task::spawn_blocking(move || hotseat_guard::sweep(&cluster, &name)).await;
    match swept {
        Ok(swept) if swept.alive == 0 => Ok(()),
        Ok(_) => Err(String::from(
            "processes of an earlier lock of this node are alive and cannot be killed: see the cgroups named hotseat.*",
        )),
        Err(error) => Err(error.to_string()),
    }
}

async fn mark(records: &Records, look: &Look, lock: &LockName, seat: u32, node: &NodeName) -> Result<(), String> {
    let nonce = random::nonce()?;
    if let Some((key, expect, record)) = queue::mark(look, lock, seat, node, nonce) {
        // Refused or unknown: it only takes longer then.
        let _ = records.write(&key, expect, &record).await;
    }
    Ok(())
}
