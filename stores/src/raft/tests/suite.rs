//! openraft's own suite for what keeps a log and applies it.

use std::sync::Arc;

use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use tempfile::TempDir;

use super::super::disk::Disk;
use super::super::journal::Journal;
use super::super::law::Lawless;
use super::super::machine::{Desk, Machine};
use super::super::records::Records;
use super::super::scribe::Scribe;
use super::super::shelf::Shelf;
use super::super::types::Types;

struct Builder;

impl StoreBuilder<Types, Journal, Machine, TempDir> for Builder {
    async fn build(&self) -> Result<(TempDir, Journal, Machine), StorageError<Types>> {
        let place = tempfile::tempdir().unwrap();
        let (disk, found) = Disk::open(place.path()).unwrap();
        let disk = Arc::new(disk);
        let scribe = Scribe::start(disk.clone()).unwrap();
        let journal = Journal::new(&disk, scribe, &found);
        let desk = Desk::new(Records::new(Arc::new(Lawless)), Shelf::new(place.path()));
        Ok((place, journal, Machine(Arc::new(desk))))
    }
}

#[test]
fn openrafts_suite() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(Suite::test_all(Builder)).unwrap();
}
