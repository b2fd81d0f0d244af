//! The log on disk: one redb file with the vote, the entries and whose they are. Every value carries a checksum.
//!
//! It repairs nothing and guesses nothing: what cannot be trusted is an error that names the file. Calls block; they
//! are made before the runtime needs the thread, on the scribe's thread or on a blocking one.

use std::fmt::Display;
use std::fs::Permissions;
use std::io;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::frame;
use super::types::{LogEntry, LogId, Vote};
use crate::OpenError;

const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
const FACTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("facts");

const OWNER: &str = "owner";
const VOTE: &str = "vote";
const PURGED: &str = "purged";

/// The file's name in the data folder.
const FILE: &str = "raft.redb";

/// What redb may keep in memory: the log is read back only by members that lag.
const CACHE_LEN: usize = 4 * 1024 * 1024;

/// The log of one member.
#[derive(Debug)]
pub(super) struct Disk {
    database: Database,
    path: PathBuf,
}

/// Whose log it is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Owner {
    pub(super) cluster: String,
    pub(super) id: u64,
}

/// What a log holds when it is opened.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) owner: Option<Owner>,
    pub(super) vote: Option<Vote>,
    pub(super) purged: Option<LogId>,
    pub(super) last: Option<LogId>,
}

impl Disk {
    /// Opens the log in `folder`, making an empty one if there is none, and reads all of it once.
    pub(super) fn open(folder: &Path) -> Result<(Disk, Found), OpenError> {
        // What the cluster keeps for its members, their files among it, is not for everybody on this machine.
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::set_permissions(folder, Permissions::from_mode(0o700)))
            .map_err(|error| OpenError::Refused(format!("{} cannot be made: {error}", folder.display())))?;
        let path = folder.join(FILE);
        let database = Self::builder().create(&path).map_err(|error| unopened(&path, &error))?;
        Self::check(database, path)
    }

    /// As [`Disk::open`], over storage of the caller's: for faults on purpose.
    #[cfg(test)]
    pub(super) fn over(backend: impl redb::StorageBackend, path: PathBuf) -> Result<(Disk, Found), OpenError> {
        let database = Self::builder().create_with_backend(backend).map_err(|error| unopened(&path, &error))?;
        Self::check(database, path)
    }

    fn builder() -> redb::Builder {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_LEN);
        builder
    }

    fn check(mut database: Database, path: PathBuf) -> Result<(Disk, Found), OpenError> {
        match database.check_integrity() {
            Ok(true) => {}
            // Repaired means an older state than the one that was promised: a vote may be forgotten.
            Ok(false) => return Err(OpenError::Refused(spoiled(&path, "its pages do not fit their checksums"))),
            Err(error) => return Err(OpenError::Refused(spoiled(&path, error))),
        }
        let disk = Disk { database, path };
        let found = disk.survey().map_err(|error| OpenError::Refused(error.to_string()))?;
        Ok((disk, found))
    }

    /// The file, for errors.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn survey(&self) -> io::Result<Found> {
        let begun = self.database.begin_read().map_err(|error| self.broken(error))?;
        let facts = match begun.open_table(FACTS) {
            Ok(facts) => facts,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Found::default()),
            Err(error) => return Err(self.broken(error)),
        };
        let owner = self.fact(&facts, OWNER)?;
        let vote = self.fact(&facts, VOTE)?;
        let purged: Option<LogId> = self.fact(&facts, PURGED)?;
        let last = self.walk(&begun, purged)?;
        Ok(Found { owner, vote, purged, last })
    }

    /// Reads every entry; returns the last one's id. A log without entries ends where it was cut off.
    fn walk(&self, begun: &redb::ReadTransaction, purged: Option<LogId>) -> io::Result<Option<LogId>> {
        let log = match begun.open_table(LOG) {
            Ok(log) => log,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(purged),
            Err(error) => return Err(self.broken(error)),
        };
        let mut last = purged;
        for row in log.iter().map_err(|error| self.broken(error))? {
            let (index, sealed) = row.map_err(|error| self.broken(error))?;
            let entry = self.entry(index.value(), sealed.value())?;
            let wanted = last.map_or(0, |last| last.index() + 1);
            if index.value() != wanted {
                return Err(self.broken(format!("entry {wanted} is missing, {} is next", index.value())));
            }
            last = Some(entry.log_id);
        }
        Ok(last)
    }

    /// The entries of a range, as many as fit `len_max` bytes, and at least one if there is one; and whether that is
    /// all of them.
    pub(super) fn entries(&self, range: Range<u64>, len_max: usize) -> io::Result<(Vec<LogEntry>, bool)> {
        let begun = self.database.begin_read().map_err(|error| self.broken(error))?;
        let log = begun.open_table(LOG).map_err(|error| self.broken(error))?;
        let (mut entries, mut len) = (Vec::new(), 0);
        for row in log.range(range).map_err(|error| self.broken(error))? {
            let (index, sealed) = row.map_err(|error| self.broken(error))?;
            len += sealed.value().len();
            if len > len_max && !entries.is_empty() {
                return Ok((entries, false));
            }
            entries.push(self.entry(index.value(), sealed.value())?);
        }
        Ok((entries, true))
    }

    fn entry(&self, index: u64, sealed: &[u8]) -> io::Result<LogEntry> {
        let entry = frame::open(&index.to_le_bytes(), sealed).and_then(|bytes| postcard::from_bytes(bytes).ok());
        let entry: Option<LogEntry> = entry.filter(|entry: &LogEntry| entry.log_id.index() == index);
        entry.ok_or_else(|| self.broken(format!("entry {index} does not fit its checksum")))
    }

    fn fact<T: DeserializeOwned>(
        &self,
        facts: &impl ReadableTable<&'static str, &'static [u8]>,
        name: &str,
    ) -> io::Result<Option<T>> {
        let Some(sealed) = facts.get(name).map_err(|error| self.broken(error))? else { return Ok(None) };
        let bytes = frame::open(name.as_bytes(), sealed.value());
        let fact = bytes.and_then(|bytes| postcard::from_bytes(bytes).ok());
        fact.map(Some).ok_or_else(|| self.broken(format!("the {name} does not fit its checksum")))
    }

    /// Begins a batch of changes that are made together, durably, or not at all.
    pub(super) fn begin(&self) -> io::Result<Batch<'_>> {
        let mut begun = self.database.begin_write().map_err(|error| self.broken(error))?;
        // One fsync more, and what was committed is never taken for a torn write and rolled back.
        begun.set_two_phase_commit(true);
        Ok(Batch { disk: self, begun })
    }

    fn broken(&self, error: impl Display) -> io::Error {
        io::Error::other(spoiled(&self.path, error))
    }
}

/// Changes that are made together.
pub(super) struct Batch<'a> {
    disk: &'a Disk,
    begun: redb::WriteTransaction,
}

impl Batch<'_> {
    pub(super) fn owner(&mut self, owner: &Owner) -> io::Result<()> {
        self.fact(OWNER, owner)
    }

    pub(super) fn vote(&mut self, vote: &Vote) -> io::Result<()> {
        self.fact(VOTE, vote)
    }

    fn fact<T: Serialize>(&mut self, name: &'static str, fact: &T) -> io::Result<()> {
        let bytes = postcard::to_stdvec(fact).map_err(io::Error::other)?;
        let mut facts = self.begun.open_table(FACTS).map_err(|error| self.disk.broken(error))?;
        let sealed = frame::seal(name.as_bytes(), &bytes);
        facts.insert(name, sealed.as_slice()).map_err(|error| self.disk.broken(error))?;
        Ok(())
    }

    pub(super) fn append(&mut self, entries: &[Sealed]) -> io::Result<()> {
        let mut log = self.begun.open_table(LOG).map_err(|error| self.disk.broken(error))?;
        for entry in entries {
            log.insert(entry.index, entry.bytes.as_slice()).map_err(|error| self.disk.broken(error))?;
        }
        Ok(())
    }

    /// Takes away every entry from `start` on.
    pub(super) fn truncate(&mut self, start: u64) -> io::Result<()> {
        let mut log = self.begun.open_table(LOG).map_err(|error| self.disk.broken(error))?;
        log.retain_in(start.., |_, _| false).map_err(|error| self.disk.broken(error))
    }

    /// Takes away every entry up to `upto`.
    pub(super) fn purge(&mut self, upto: &LogId) -> io::Result<()> {
        self.fact(PURGED, upto)?;
        let mut log = self.begun.open_table(LOG).map_err(|error| self.disk.broken(error))?;
        log.retain_in(..=upto.index(), |_, _| false).map_err(|error| self.disk.broken(error))
    }

    /// Writes all of it, down to the disk.
    pub(super) fn commit(self) -> io::Result<()> {
        self.begun.commit().map_err(|error| self.disk.broken(error))
    }
}

/// An entry, as it goes to disk.
#[derive(Debug)]
pub(super) struct Sealed {
    index: u64,
    bytes: Vec<u8>,
}

impl Sealed {
    pub(super) fn new(entry: &LogEntry) -> Sealed {
        let index = entry.log_id.index();
        let bytes = postcard::to_stdvec(entry).expect("a vector takes any entry, and no entry of ours fails");
        Sealed { index, bytes: frame::seal(&index.to_le_bytes(), &bytes) }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

fn unopened(path: &Path, error: &DatabaseError) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => {
            OpenError::Unavailable(format!("{} is in use by another process", path.display()))
        }
        error => OpenError::Refused(spoiled(path, error)),
    }
}

/// One text for all damage: the way out is always the same.
fn spoiled(path: &Path, why: impl Display) -> String {
    format!(
        "the log {} cannot be trusted: {why}. Stop this node, take its data folder away and let it join anew, as a new \
         member",
        path.display()
    )
}
