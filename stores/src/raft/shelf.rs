//! The newest snapshot on disk: one file, replaced as a whole, with a checksum over all of it.
//!
//! It keeps no older one and repairs nothing. Calls block: they are made on blocking threads.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::frame;
use super::picture::PICTURE_LEN_MAX;
use super::types::{LogId, Meta};

const FILE: &str = "raft.snapshot";
const NEW: &str = "raft.snapshot-new";
const PLACE: &[u8] = b"snapshot";

/// What stands around the picture: the position, the members and the checksum.
const FRAME_LEN_MAX: usize = 1024 * 1024;

/// Where the snapshot is kept.
#[derive(Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
    /// Up to where the kept one goes; held while one is written, so that an older never replaces a newer.
    kept: Mutex<Option<LogId>>,
}

impl Shelf {
    pub(super) fn new(folder: &Path) -> Shelf {
        Shelf { folder: folder.to_owned(), kept: Mutex::new(None) }
    }

    /// The file, for errors.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// The snapshot, if there is one.
    pub(super) fn load(&self) -> io::Result<Option<(Meta, Vec<u8>)>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path();
        let whole = match std::fs::metadata(&path) {
            Ok(found) if found.len() as usize > PICTURE_LEN_MAX + FRAME_LEN_MAX => return Err(self.spoiled("too long")),
            Ok(_) => std::fs::read(&path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let bytes = frame::open(PLACE, &whole).ok_or_else(|| self.spoiled("it does not fit its checksum"))?;
        let read = postcard::take_from_bytes::<Meta>(bytes);
        let (meta, picture) = read.map_err(|error| self.spoiled(&error.to_string()))?;
        *kept = meta.last_log_id;
        Ok(Some((meta, picture.to_vec())))
    }

    /// Keeps a snapshot in place of the older one; on return it is on disk.
    pub(super) fn store(&self, meta: &Meta, picture: &[u8]) -> io::Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if *kept >= meta.last_log_id && kept.is_some() {
            return Ok(());
        }
        let mut bytes = postcard::to_stdvec(meta).map_err(io::Error::other)?;
        bytes.extend_from_slice(picture);
        self.write(&frame::seal(PLACE, &bytes)).map_err(|error| self.unwritten(&error))?;
        *kept = meta.last_log_id;
        Ok(())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let new = self.folder.join(NEW);
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, self.path())?;
        File::open(&self.folder)?.sync_all()
    }

    fn unwritten(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("the snapshot {} cannot be written: {error}", self.path().display()))
    }

    fn spoiled(&self, why: &str) -> io::Error {
        let path = self.path();
        io::Error::other(format!(
            "the snapshot {} cannot be trusted: {why}. Stop this node, take its data folder away and let it join anew, \
             as a new member",
            path.display()
        ))
    }
}
