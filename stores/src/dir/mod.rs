//! `dir:PATH`: a directory that every node sees, on NFS, SMB, a cluster file system or a local disk.
//!
//! ```text
//! PATH/hotseat.cluster                              whose directory this is
//! PATH/records/session=n1/<version>.<nonce>…        the token: an empty file, exactly one, renamed by each write
//! PATH/records/session=n1/b.<version>.<nonce>       the body that token speaks of
//! PATH/tmp/session=n1.<nonce>/                      a record being created, renamed into records/
//! PATH/probe/<nonce>/                               where the file system proves itself at start-up
//! ```
//! It trusts exclusive creation, rename and fsync, proves the first two at start-up, and never
//! takes a lock. Every system call runs on a thread of its own lanes, so that a mount that hangs
//! holds neither the caller nor the runtime. Why a rename: `docs/decisions/0201-dir-rename-token.md`.

mod cache;
mod create;
mod files;
mod frame;
mod home;
mod kinds;
mod lanes;
mod look;
mod marker;
mod probe;
mod swap;
mod token;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::hints::Changes;
use crate::{Body, Entry, Hints, Key, OpenError, Store, Unavailable, Written};
use home::Home;
use lanes::Lane;

/// A store in a shared directory.
#[derive(Debug)]
pub struct Dir {
    home: Arc<Home>,
    on_one_machine: Option<String>,
    reads: Lane,
    writes: Lane,
    changes: Changes,
}

impl Dir {
    /// How long opening may take: it races the file system against itself, over a slow mount too.
    const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

    /// Opens the directory for the cluster of this name, making what is missing, after the file
    /// system has proved that it lets one of two racers win. Every later call ends within
    /// `call_timeout`.
    ///
    /// # Errors
    /// [`OpenError::Refused`] when somebody has to change something: no such place, not writable,
    /// another cluster's, a file system that lets two win. [`OpenError::Unavailable`] when it hangs.
    pub async fn open(path: impl Into<PathBuf>, cluster: &str, call_timeout: Duration) -> Result<Dir, OpenError> {
        let (path, cluster) = (path.into(), cluster.to_owned());
        let reads = Lane::new("dir-read", call_timeout);
        let writes = Lane::new("dir-write", call_timeout);
        let home = writes.run_within(Self::OPEN_TIMEOUT, move |_| Home::open(path, &cluster)).await;
        let home = Arc::new(home.map_err(|missed| OpenError::Unavailable(missed.0))??);
        Ok(Dir { on_one_machine: home.on_one_machine(), home, reads, writes, changes: Changes::new() })
    }
}

#[async_trait]
impl Store for Dir {
    fn kind(&self) -> &str {
        "dir"
    }

    fn identity(&self) -> Option<String> {
        Some(self.home.id().to_owned())
    }

    fn single_point_of_failure(&self) -> Option<String> {
        self.on_one_machine.clone()
    }

    async fn list(&self) -> Result<Vec<Entry>, Unavailable> {
        let home = self.home.clone();
        let listed = self.reads.run(move |_| look::list(&home)).await;
        listed.unwrap_or_else(|missed| Err(self.hangs(missed)))
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        let (home, key) = (self.home.clone(), key.clone());
        let entry = self.reads.run(move |_| look::read(&home, &key)).await;
        entry.unwrap_or_else(|missed| Err(self.hangs(missed)))
    }

    async fn write(&self, key: &Key, expect: Option<u64>, nonce: u128, body: Body) -> Written {
        let (home, key) = (self.home.clone(), key.clone());
        let work = move |patience: &lanes::Patience| match expect {
            None => create::create(&home, &key, nonce, &body, patience),
            Some(version) => swap::swap(&home, &key, version, nonce, &body, patience),
        };
        let written = self.writes.run(work).await;
        let written = written.unwrap_or_else(|missed| Written::Unknown(self.hangs(missed).0));
        if matches!(written, Written::Applied { .. }) {
            self.changes.ring();
        }
        written
    }

    fn watch(&self) -> Hints {
        self.changes.hints()
    }
}

impl Dir {
    fn hangs(&self, missed: lanes::Missed) -> Unavailable {
        Unavailable(format!("{}: {}", self.home.path().display(), missed.0))
    }
}
