//! `hotseat.cluster`: names the cluster a directory belongs to, so that two clusters pointed at
//! one directory by mistake do not share leaders; and gives the directory a random id, so that who has been here
//! before can tell an empty mount point from it. Written once, never changed.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::files::{fresh, read_small, sync_dir, write_new};
use super::home::unusable;
use crate::OpenError;

const NAME: &str = "hotseat.cluster";
const MAGIC: &str = "hotseat 1 cluster ";
const LEN_MAX: usize = 1024;

/// Another node may be writing it at this moment: looks before an unfinished one is an error.
const LOOKS_MAX: u32 = 20;
const PAUSE: Duration = Duration::from_millis(25);

/// Writes the marker, or checks that the one there names this cluster. Gives the directory's id.
pub(super) fn check(root: &Path, cluster: &str) -> Result<String, OpenError> {
    let path = root.join(NAME);
    let id = fresh().map_err(|error| unusable("find random bits for", &path, &error))?;
    let name = format!("{MAGIC}{cluster}\n");
    let ours = format!("{name}id {id}\n");
    if cluster.is_empty() || cluster.contains('\n') || ours.len() > LEN_MAX {
        return Err(OpenError::Refused("the cluster's name must be one line of 1 to 1000 bytes".to_owned()));
    }
    for _ in 0..LOOKS_MAX {
        match read_small(&path, LEN_MAX) {
            Ok(found) if found.ends_with(b"\n") => {
                return id_in(&found, &name).ok_or_else(|| foreign(&path, &found, cluster));
            }
            Ok(_) => thread::sleep(PAUSE),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                write(root, &path, ours.as_bytes()).map_err(|error| unusable("write", &path, &error))?;
            }
            Err(error) => return Err(unusable("read", &path, &error)),
        }
    }
    let right = "if no other cluster uses the directory, remove that file and start again";
    Err(OpenError::Refused(format!("{} is unfinished: {right}", path.display())))
}

/// The id in a marker of the cluster that `name` is the first line for.
fn id_in(found: &[u8], name: &str) -> Option<String> {
    let id = std::str::from_utf8(found).ok()?.strip_prefix(name)?.strip_prefix("id ")?.strip_suffix('\n')?;
    (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| id.to_owned())
}

/// Writes it aside and links it into place, so that it is whole or absent; where there are no hard
/// links, creates it exclusively. Another's being there already is no error.
fn write(root: &Path, path: &PathBuf, ours: &[u8]) -> io::Result<()> {
    let nonce = fresh()?;
    let aside = root.join("tmp").join(format!("cluster-{nonce}"));
    write_new(&aside, ours)?;
    let linked = fs::hard_link(&aside, path);
    drop(fs::remove_file(&aside));
    let made = match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => write_new(path, ours),
        other => other,
    };
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other.and_then(|()| sync_dir(root)),
    }
}

fn foreign(path: &Path, found: &[u8], cluster: &str) -> OpenError {
    let text = String::from_utf8_lossy(found);
    OpenError::Refused(match text.strip_prefix(MAGIC) {
        Some(owner) if owner.lines().next() != Some(cluster) => format!(
            "this directory belongs to the cluster \"{}\", not to \"{cluster}\" ({}): give each cluster a directory of its own",
            owner.lines().next().unwrap_or_default().escape_debug(),
            path.display()
        ),
        Some(_) | None => {
            format!("{} was not written by this version of Hotseat: name another directory", path.display())
        }
    })
}
