//! The agent's folder: one agent at a time (B3), its `pid.txt`, and its sockets.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::durable;

/// A folder that is ours alone while this lives. The lock is not inherited by guard or service.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    _lock: File,
}

impl Home {
    /// Makes the folder if it is missing, locks it, and writes `pid.txt`.
    ///
    /// # Errors
    /// One line that says what and where, and what would be right.
    pub fn open(path: &Path) -> Result<Self, String> {
        let at = |what: &str, error: &io::Error| format!("data_dir {}: {what}: {error}", path.display());
        fs::create_dir_all(path.join("run")).map_err(|error| at("cannot make the folder", &error))?;
        let lock = path.join("lock");
        let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&lock);
        let mut lock = open.map_err(|error| at("cannot write there", &error))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut pid = String::new();
            drop(lock.read_to_string(&mut pid));
            return Err(format!(
                "data_dir {} is in use by another agent (pid {}): stop it, or give this one a data_dir of its own",
                path.display(),
                pid.trim()
            ));
        }
        let pid = std::process::id().to_string();
        let write = |error: io::Error| at("cannot write there", &error);
        lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| lock.write_all(pid.as_bytes())).map_err(write)?;
        fs::write(path.join("pid.txt"), pid + "\n").map_err(write)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Remembers the store that this node has used; refuses another one in its place, as an empty mount point would be.
    ///
    /// # Errors
    /// What is wrong and what would be right.
    pub fn recognise(&self, store: &str) -> Result<(), String> {
        let path = self.path.join("store.id");
        match fs::read_to_string(&path) {
            Ok(known) if known.trim() == store => Ok(()),
            Ok(known) => Err(format!(
                "this is not the store that this node has used before: it has the id {store}, and {} says {}\n       \
                 Is the share mounted? Epochs would start again at 1. If the new store is meant, stop every agent, \
                 then remove that file on each node.",
                path.display(),
                known.trim()
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                durable::replace(&path, format!("{store}\n").as_bytes(), durable::PUBLIC)
                    .map_err(|error| format!("cannot write {}: {error}", path.display()))
            }
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        }
    }

    /// Where the services' sockets stand.
    #[must_use]
    pub fn sockets(&self) -> PathBuf {
        self.path.join("run")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        drop(fs::remove_file(self.path.join("pid.txt")));
    }
}
