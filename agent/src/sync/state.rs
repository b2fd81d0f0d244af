//! What this member has put in place, on its own disk: which version, and what its files held then. A second file beside
//! it, while a version is being put in place, says what is left to do.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use hotseat_core::GroupId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::entry::Entry;
use crate::durable;

/// Far longer than such a file is.
const BYTES_MAX: u64 = 8 << 20;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// The book that the number is of.
    pub(super) born: String,
    /// The version; 0: none.
    pub(super) number: u64,
    /// Its files and folders.
    pub(super) entries: Vec<Entry>,
    /// Whether the hook has run for it, or has failed for good.
    pub(super) hooked: bool,
}

/// What is left to do when everything is staged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// What is in place when it is done.
    pub(super) state: State,
    /// Files that are staged beside their places.
    pub(super) staged: Vec<String>,
    /// Files, and then folders, that go.
    pub(super) gone: Vec<String>,
    pub(super) gone_folders: Vec<String>,
}

impl State {
    /// Its entries, by path.
    pub(super) fn by_path(&self) -> BTreeMap<&str, &Entry> {
        self.entries.iter().map(|entry| (entry.path.as_str(), entry)).collect()
    }

    /// What a file held when it was put in place.
    pub(super) fn digest(&self, path: &str) -> Option<Digest> {
        self.entries.iter().find(|entry| entry.path == path)?.digest
    }
}

/// Where the two files are, and the bytes that were saved.
#[derive(Clone, Debug)]
pub(super) struct Records {
    folder: PathBuf,
}

impl Records {
    /// In this node's folder, for a group.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(super) fn open(data_dir: &Path, group: &GroupId) -> io::Result<Self> {
        let folder = data_dir.join("sync").join(group.as_str());
        // What was saved of files lies in it.
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        Ok(Self { folder })
    }

    /// What is in place; nothing, if there never was anything.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub(super) fn state(&self) -> Result<State, String> {
        Ok(read(&self.folder.join("state.json"))?.unwrap_or_default())
    }

    pub(super) fn keep(&self, state: &State) -> Result<(), String> {
        write(&self.folder.join("state.json"), state)
    }

    /// What is left to do, if anything is.
    pub(super) fn journal(&self) -> Result<Option<Journal>, String> {
        read(&self.folder.join("journal.json"))
    }

    pub(super) fn begin(&self, journal: &Journal) -> Result<(), String> {
        write(&self.folder.join("journal.json"), journal)
    }

    /// It is done: what is in place now is kept first.
    pub(super) fn end(&self, state: &State) -> Result<(), String> {
        self.keep(state)?;
        let path = self.folder.join("journal.json");
        fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Where bytes go that are about to be written over.
    pub(super) fn saved(&self) -> PathBuf {
        self.folder.join("saved")
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, String> {
    let wrong = |why: String| format!("{}: {why}", path.display());
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(error.to_string())),
        Ok(found) if found.len() > BYTES_MAX => return Err(wrong(String::from("is too long to be ours"))),
        Ok(_) => {}
    }
    let bytes = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_slice(&bytes).map(Some).map_err(|error| wrong(error.to_string()))
}

fn write(path: &Path, what: &impl Serialize) -> Result<(), String> {
    let text = serde_json::to_vec(what).map_err(|error| error.to_string())?;
    durable::replace(path, &text, durable::PRIVATE).map_err(|error| format!("{}: {error}", path.display()))
}
