//! The records as openraft sees them: fed with entries of the log, kept and sent as snapshots.
//!
//! The records are in memory; what a restart needs is the snapshot and the log behind it. How far the log was applied
//! is not written down: a member that starts again waits until it hears from a leader, and applies it anew.

use std::io;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures_util::{Stream, StreamExt};
use openraft::storage::{EntryResponder, RaftSnapshotBuilder, RaftStateMachine};

use super::picture::Picture;
use super::records::Records;
use super::shelf::Shelf;
use super::types::{LogId, Members, Meta, Types};
use crate::hints::Changes;

type Snapshot = openraft::type_config::alias::SnapshotOf<Types, Vec<u8>>;

/// What the machine shares with everybody who reads.
pub(super) struct Desk {
    records: RwLock<Records>,
    pub(super) changes: Changes,
    pub(super) shelf: Shelf,
}

/// The machine; clones are handles to one desk.
#[derive(Clone)]
pub(super) struct Machine(pub(super) Arc<Desk>);

/// A moment's records, on their way to the shelf.
pub(super) struct Builder {
    desk: Arc<Desk>,
    meta: Meta,
    picture: Picture,
}

impl Desk {
    pub(super) fn new(records: Records, shelf: Shelf) -> Desk {
        Desk { records: RwLock::new(records), changes: Changes::new(), shelf }
    }

    pub(super) fn records(&self) -> RwLockReadGuard<'_, Records> {
        self.records.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn records_mut(&self) -> RwLockWriteGuard<'_, Records> {
        self.records.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RaftStateMachine<Types> for Machine {
    type SnapshotData = Vec<u8>;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, Members)> {
        let records = self.0.records();
        Ok((records.applied(), records.members().clone()))
    }

    async fn apply<Strm>(&mut self, mut entries: Strm) -> io::Result<()>
    where
        Strm: Stream<Item = io::Result<EntryResponder<Types>>> + Unpin + Send,
    {
        while let Some(next) = entries.next().await {
            let (entry, responder) = next?;
            let outcome = self.0.records_mut().apply(entry);
            if let Some(responder) = responder {
                responder.send(outcome);
            }
        }
        self.0.changes.ring();
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        let records = self.0.records();
        let meta = Meta { last_log_id: records.applied(), last_membership: records.members().clone() };
        Builder { desk: self.0.clone(), meta, picture: records.picture() }
    }

    async fn install_snapshot(&mut self, meta: &Meta, snapshot: Vec<u8>) -> io::Result<()> {
        let picture = Picture::decode(&snapshot).map_err(|why| io::Error::other(format!("a snapshot: {why}")))?;
        let (desk, kept) = (self.0.clone(), meta.clone());
        off_the_loop(move || desk.shelf.store(&kept, &snapshot)).await?;
        self.0.records_mut().replace(picture, meta.last_log_id, meta.last_membership.clone());
        self.0.changes.ring();
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<Snapshot>> {
        let desk = self.0.clone();
        let loaded = off_the_loop(move || desk.shelf.load()).await?;
        Ok(loaded.map(|(meta, snapshot)| Snapshot { meta, snapshot }))
    }
}

impl RaftSnapshotBuilder<Types> for Builder {
    type SnapshotData = Vec<u8>;

    async fn build_snapshot(&mut self) -> io::Result<Snapshot> {
        let (desk, meta, picture) = (self.desk.clone(), self.meta.clone(), std::mem::take(&mut self.picture));
        off_the_loop(move || {
            let snapshot = picture.encode();
            desk.shelf.store(&meta, &snapshot)?;
            Ok(Snapshot { meta, snapshot })
        })
        .await
    }
}

/// Runs what blocks on a thread that may be blocked.
async fn off_the_loop<T: Send + 'static>(deed: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(deed).await.map_err(io::Error::other)?
}
