//! Bytes that were changed here and are about to be written over: kept beside, in the agent's folder, and said.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::entry::is_part;

/// Folders kept, one for each version that wrote over something; the oldest goes when there are more.
const KEPT: usize = 50;

/// Keeps what `path` held before `version`; where.
///
/// # Errors
/// When it cannot be kept: nothing may be written over then.
pub(super) fn save(folder: &Path, version: u64, path: &str, bytes: &[u8]) -> Result<PathBuf, String> {
    let wrong = |error: io::Error| format!("what {path} holds cannot be saved: {error}");
    let mut at = folder.join(format!("{version:08}"));
    // It is our own configuration that names it, but nothing may lead out of here all the same.
    at.extend(path.split('/').filter(|part| is_part(part)));
    let at = free(at);
    fs::create_dir_all(at.parent().unwrap_or(folder)).map_err(wrong)?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&at).map_err(wrong)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(wrong)?;
    thin(folder);
    Ok(at)
}

/// The same file may be saved twice for a version that was begun twice.
fn free(at: PathBuf) -> PathBuf {
    let beside = |number: u32| {
        let mut name = at.clone().into_os_string();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    if !at.exists() {
        return at;
    }
    (1..).map(beside).find(|path| !path.exists()).expect("there are more numbers than files")
}

/// Removes the oldest of too many, and says so.
fn thin(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut all: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    all.sort_unstable();
    for old in all.iter().take(all.len().saturating_sub(KEPT)) {
        match fs::remove_dir_all(old) {
            Ok(()) => tracing::warn!("{} is removed: {KEPT} newer ones are kept", old.display()),
            Err(error) => tracing::warn!("{} cannot be removed: {error}", old.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_over_and_the_oldest_go_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = save(folder.path(), 7, "/etc/app/a", b"1").expect("a disk");
        let second = save(folder.path(), 7, "/etc/app/a", b"2").expect("a disk");
        assert_eq!((fs::read(&first).unwrap(), fs::read(&second).unwrap()), (b"1".to_vec(), b"2".to_vec()));
        assert!(first.starts_with(folder.path().join("00000007/etc/app")));
        for version in 8..8 + KEPT as u64 {
            save(folder.path(), version, "a", b"x").expect("a disk");
        }
        assert!(!first.exists() && folder.path().join("00000008").exists());
    }

    #[test]
    fn nothing_leads_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = save(folder.path(), 1, "../../x/../y", b"1").expect("a disk");
        assert!(at.starts_with(folder.path().join("00000001")), "{at:?}");
    }
}
