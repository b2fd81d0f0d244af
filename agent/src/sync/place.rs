//! The one way to a named file or folder: no link below it is followed, and nothing outside of it can be reached.
//!
//! The folder that it lies in is found as the configuration writes it, links and all: that is the operator's own word.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2};
use rustix::io::Errno;

use super::entry::is_part;
use super::{ENTRIES_MAX, FILE_MAX, STAGED};
use crate::config::Named;

/// Nothing leaves the folder, not even by a race.
const RESOLVE: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);
/// The kernel may ask to try again while somebody else renames what is on the way.
const TRIES: u32 = 16;
/// Reads of one file that changes meanwhile.
const READS: u32 = 3;

/// Why a file is not read or written: for people, without its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong(pub(super) String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Wrong {
    fn new(what: &str) -> Self {
        Self(what.to_owned())
    }
}

impl From<Errno> for Wrong {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::LOOP => Self::new("is, or is behind, a symbolic link: links are not followed"),
            Errno::NOSYS => Self::new("cannot be opened safely: the kernel has to be Linux 5.6 or later"),
            errno => Self(io::Error::from(errno).to_string()),
        }
    }
}

impl From<io::Error> for Wrong {
    fn from(error: io::Error) -> Self {
        Errno::from_io_error(&error).map_or_else(|| Self(error.to_string()), Self::from)
    }
}

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    changed: (i64, i64),
    modified: (i64, i64),
    pub(super) size: u64,
    /// With the bits that are not sent.
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) kind: Kind,
}

/// What lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// A device, a socket, a link.
    Other,
}

impl Stamp {
    fn of(stat: &Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            _ => Kind::Other,
        };
        Self {
            inode: stat.st_ino,
            changed: (stat.st_ctime, stat.st_ctime_nsec.cast_signed()),
            modified: (stat.st_mtime, stat.st_mtime_nsec.cast_signed()),
            size: stat.st_size.cast_unsigned(),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            kind,
        }
    }

    /// When it last changed, in seconds of the wall clock: only to tell what is old from what may still be changing.
    pub(super) fn changed_at(&self) -> i64 {
        self.changed.0
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Place {
    around: OwnedFd,
    name: String,
}

impl Place {
    /// Finds the folder that it lies in.
    ///
    /// # Errors
    /// When that is not there.
    pub(super) fn open(named: &Named) -> Result<Self, Wrong> {
        let around = named.path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = named.path.file_name().and_then(|name| name.to_str()).ok_or_else(|| Wrong::new("has no name"))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let around = openat(CWD, around, flags, Mode::empty())
            .map_err(|errno| Wrong(format!("{}: {}", around.display(), Wrong::from(errno))))?;
        Ok(Self { around, name: name.to_owned() })
    }

    /// Opens what is below; the thing itself if `below` is empty.
    fn at(&self, below: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        if below.is_empty() {
            return beneath(&self.around, &self.name, flags);
        }
        // From the named folder itself: one beside it is as far away as any other.
        let named = beneath(&self.around, &self.name, OFlags::PATH | OFlags::DIRECTORY)?;
        beneath(&named, below, flags)
    }

    /// What is there, if anything.
    pub(super) fn stamp(&self, below: &str) -> Result<Option<Stamp>, Wrong> {
        match self.at(below, OFlags::PATH) {
            Ok(fd) => Ok(Some(Stamp::of(&fstat(fd)?))),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// What is in a folder, in order, without what we have put there for a moment.
    pub(super) fn names(&self, below: &str) -> Result<Vec<String>, Wrong> {
        let mut names = Vec::new();
        for name in self.all_names(below)? {
            match name {
                Ok(name) if name.starts_with(STAGED) => {}
                Ok(name) if is_part(&name) => names.push(name),
                Ok(odd) | Err(odd) => {
                    return Err(Wrong(format!("has a file whose name is too long or odd: {}", odd.escape_debug())));
                }
            }
            if names.len() > ENTRIES_MAX {
                return Err(Wrong(format!("has more than {ENTRIES_MAX} files")));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// What a crash has left of what we had put in a folder for a moment.
    pub(super) fn staged(&self, below: &str) -> Result<Vec<String>, Wrong> {
        Ok(self.all_names(below)?.into_iter().flatten().filter(|name| name.starts_with(STAGED)).collect())
    }

    fn all_names(&self, below: &str) -> Result<Vec<Result<String, String>>, Wrong> {
        let mut names = Vec::new();
        for entry in Dir::read_from(self.folder(below)?)? {
            let name = entry?.file_name().to_owned();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            names.push(name.into_string().map_err(|odd| odd.into_cstring().to_string_lossy().into_owned()));
            // Only what is sent is bounded by what we have staged beside it.
            if names.len() > 2 * ENTRIES_MAX {
                return Err(Wrong(format!("has more than {ENTRIES_MAX} files")));
            }
        }
        Ok(names)
    }

    /// A folder, open.
    pub(super) fn folder(&self, below: &str) -> Result<OwnedFd, Wrong> {
        Ok(self.at(below, OFlags::RDONLY | OFlags::DIRECTORY)?)
    }

    /// The folder that something lies in, open, and its name there.
    pub(super) fn around<'a>(&'a self, below: &'a str) -> Result<(OwnedFd, &'a str), Wrong> {
        match below.rsplit_once('/') {
            _ if below.is_empty() => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                Ok((openat(&self.around, ".", flags, Mode::empty())?, &self.name))
            }
            None => Ok((self.folder("")?, below)),
            Some((folder, name)) => Ok((self.folder(folder)?, name)),
        }
    }

    /// What a file holds, as it stood there at one moment.
    pub(super) fn read(&self, below: &str) -> Result<(Vec<u8>, Stamp), Wrong> {
        for _ in 0..READS {
            let mut file = File::from(self.at(below, OFlags::RDONLY)?);
            let before = Stamp::of(&fstat(&file)?);
            if before.kind != Kind::File {
                return Err(Wrong::new("is no file"));
            }
            let mut bytes = Vec::new();
            Read::by_ref(&mut file).take(FILE_MAX + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > FILE_MAX {
                return Err(Wrong(format!("is larger than {FILE_MAX} bytes")));
            }
            let same = Stamp::of(&fstat(&file)?) == before && before.size == bytes.len() as u64;
            if same && self.stamp(below)?.is_some_and(|now| now == before) {
                return Ok((bytes, before));
            }
        }
        Err(Wrong::new("changes while it is read"))
    }
}

/// Opens what is below a folder, and nothing else.
fn beneath(folder: &OwnedFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    // A pipe or a device must not hold us up; what is only looked at cannot, and takes no such flag.
    let patience = if flags.contains(OFlags::PATH) { OFlags::empty() } else { OFlags::NONBLOCK };
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW | patience;
    let mut tries = 1;
    loop {
        match openat2(folder, path, flags, Mode::empty(), RESOLVE) {
            Err(Errno::AGAIN) if tries < TRIES => tries += 1,
            opened => return opened,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn place(folder: &Path, name: &str) -> Place {
        Place::open(&Named { name: name.into(), path: folder.join(name) }).expect("its folder is there")
    }

    #[test]
    fn no_link_leads_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
        fs::create_dir_all(inside.join("deep")).expect("a disk");
        fs::create_dir(&outside).expect("a disk");
        fs::write(outside.join("secret"), "s").expect("a disk");
        fs::write(inside.join("deep/plain"), "p").expect("a disk");
        symlink(&outside, inside.join("away")).expect("a disk");
        symlink(outside.join("secret"), inside.join("link")).expect("a disk");
        symlink(&inside, folder.path().join("named")).expect("a disk");
        let at = place(folder.path(), "in");
        assert_eq!(at.read("deep/plain").map(|(bytes, _)| bytes), Ok(b"p".to_vec()));
        for below in ["away/secret", "link", "../out/secret", "deep/../../out/secret", "/etc/passwd"] {
            assert!(at.read(below).is_err(), "{below}");
        }
        assert!(at.folder("away").is_err());
        assert!(place(folder.path(), "named").names("").is_err(), "the named folder is itself a link");
        assert!(at.around("away/x").is_err());
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR, 0).expect("a pipe");
        assert_eq!(place(folder.path(), "pipe").read("").map(|_| ()), Err(Wrong::new("is no file")));
        let large = File::create(folder.path().join("large")).expect("a disk");
        large.set_len(FILE_MAX + 1).expect("a disk");
        let why = place(folder.path(), "large").read("").expect_err("too large").0;
        assert!(why.contains("larger"), "{why}");
        assert_eq!(place(folder.path(), "nothing").stamp(""), Ok(None));
    }
}
