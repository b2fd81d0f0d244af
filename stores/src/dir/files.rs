//! The few system calls the directory store makes, and how their failures are told.
//!
//! Opens nothing that can block on purpose (a FIFO), follows no symbolic link to a body.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Makes a directory for those who may write there: what stands in it is not for everybody on the machine.
pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o770).create(path)
}

/// Writes a file that must not exist yet, through to the disk.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o660).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Reads a file of at most `len_max` bytes.
pub(super) fn read_small(path: &Path, len_max: usize) -> io::Result<Vec<u8>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(len_max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > len_max {
        return Err(io::Error::other(format!("it has more than {len_max} bytes")));
    }
    Ok(bytes)
}

/// Makes the names in a directory survive a power cut.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    match File::open(path)?.sync_all() {
        // What a file system says that has no such call: its names are as durable as they get.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}

/// "cannot ACT PATH: why".
pub(super) fn told(act: &str, path: &Path, error: &io::Error) -> String {
    format!("cannot {act} {}: {error}", path.display())
}

/// A name that nobody else uses.
pub(super) fn fresh() -> io::Result<String> {
    let random = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
    Ok(format!("{random:016x}"))
}
