//! Small files that are replaced whole: whoever reads one finds the old or the new, also after a power cut.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// May be read by all.
pub(crate) const PUBLIC: u32 = 0o644;
/// By the owner only.
pub(crate) const PRIVATE: u32 = 0o600;

/// Puts `content` in the file's place. When this returns it survives a power cut; when it fails the old one stands.
///
/// # Errors
/// What the system says.
pub(crate) fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    // What a crash left may have had another mode.
    if let Err(why) = fs::remove_file(beside)
        && why.kind() != io::ErrorKind::NotFound
    {
        return Err(why);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(beside, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_whatever_a_crash_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, beside) = (folder.path().join("key"), folder.path().join("key.new"));
        fs::write(&path, "old").expect("a disk");
        fs::write(&beside, "half of").expect("a disk");
        replace(&path, b"new", PRIVATE).expect("a disk");
        assert_eq!(fs::read(&path).expect("it was written"), b"new");
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, PRIVATE, "the leftover's mode is not taken over");
        assert!(!beside.exists());
    }
}
