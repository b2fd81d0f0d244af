//! The directory itself: made where missing, checked to be usable and ours, and the paths in it.
//!
//! Everything that is wrong with it is told here, once, at start-up: what, where, what would be
//! right. Later calls make no directory again: a share that went away must not be replaced.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::cache::Cache;
use super::token::{draft_name, record_name};
use super::{create, kinds, marker, probe};
use crate::{Key, OpenError};

/// An opened directory.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    records: PathBuf,
    drafts: PathBuf,
    id: String,
    one_machine: Option<&'static str>,
    cache: Cache,
}

impl Home {
    /// Makes, checks and probes; blocks.
    pub(super) fn open(path: PathBuf, cluster: &str) -> Result<Home, OpenError> {
        let path = std::path::absolute(&path).map_err(|error| unusable("find", &path, &error))?;
        make_root(&path)?;
        let (records, drafts) = (path.join("records"), path.join("tmp"));
        for dir in [&records, &drafts] {
            make(dir)?;
        }
        let id = marker::check(&path, cluster)?;
        probe::prove(&path)?;
        let one_machine = kinds::of_one_machine(&path).map_err(|error| unusable("examine", &path, &error))?;
        let home = Home { path, records, drafts, id, one_machine, cache: Cache::default() };
        create::sweep_drafts(&home).map_err(|error| unusable("list", &home.drafts, &error))?;
        Ok(home)
    }

    /// Names this directory, for ever.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Why the directory is seen by one machine only, if it is.
    pub(super) fn on_one_machine(&self) -> Option<String> {
        self.one_machine.map(|kind| format!("{} is on {kind}, which only this machine has", self.path.display()))
    }

    /// Whether a power cut of this machine ends everybody who uses it.
    pub(super) fn is_local(&self) -> bool {
        self.one_machine.is_some()
    }

    pub(super) fn records(&self) -> &Path {
        &self.records
    }

    pub(super) fn drafts(&self) -> &Path {
        &self.drafts
    }

    pub(super) fn record(&self, key: &Key) -> PathBuf {
        self.records.join(record_name(key))
    }

    pub(super) fn draft(&self, key: &Key, nonce: u128) -> PathBuf {
        self.drafts.join(draft_name(key, nonce))
    }

    pub(super) fn cache(&self) -> &Cache {
        &self.cache
    }
}

fn make_root(path: &Path) -> Result<(), OpenError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => {
            Err(OpenError::Refused(format!("{} is not a directory: name one that every node sees", path.display())))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => match path.parent() {
            Some(parent) if parent.is_dir() => make(path),
            _ => Err(OpenError::Refused(format!(
                "neither {} nor the directory above it exists: mount the share, or create it",
                path.display()
            ))),
        },
        Err(error) => Err(unusable("use", path, &error)),
    }
}

fn make(path: &Path) -> Result<(), OpenError> {
    match super::files::make_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(unusable("create", path, &error)),
        Ok(()) => Ok(()),
    }
}

/// An error at start-up: one that stays until somebody changes something, or one that may pass.
pub(super) fn unusable(act: &str, path: &Path, error: &io::Error) -> OpenError {
    let right = match error.kind() {
        ErrorKind::PermissionDenied => "let the user that Hotseat runs as read and write there",
        ErrorKind::ReadOnlyFilesystem => "mount it for writing",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room: Hotseat needs a few kilobytes per node and group"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "move away what is in its place",
        ErrorKind::NotFound => "mount the share, or create it",
        _ => return OpenError::Unavailable(super::files::told(act, path, error)),
    };
    OpenError::Refused(format!("{}; {right}", super::files::told(act, path, error)))
}
