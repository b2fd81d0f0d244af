//! What the named files hold now. A file is read anew only when its stamp has changed: a look costs a `stat` each.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use super::digest::Digest;
use super::entry::{Entry, MODE};
use super::owners::Owners;
use super::place::{Kind, Place, Stamp, Wrong};
use super::{BYTES_MAX, ENTRIES_MAX};
use crate::config::Named;

/// A file that changed less than this before it was read, in seconds, may change again without its stamp telling.
const SETTLED: i64 = 2;
/// Folders in folders.
const DEPTH_MAX: usize = 16;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    known: BTreeMap<String, (Stamp, Digest)>,
}

/// What is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    /// Files and folders, by path.
    pub(super) entries: BTreeMap<String, Entry>,
    /// What cannot be read, and why.
    pub(super) wrong: BTreeMap<String, String>,
    /// Named ones that are not there at all.
    pub(super) absent: Vec<String>,
}

impl Tree {
    fn refuse(&mut self, path: &str, why: impl ToString) {
        self.wrong.insert(path.to_owned(), why.to_string());
    }
}

impl Scanner {
    /// Looks at all of them.
    pub(super) fn scan(&mut self, named: &[Named], owners: &Owners) -> Tree {
        let mut tree = Tree::default();
        let known = std::mem::take(&mut self.known);
        for named in named {
            match Place::open(named) {
                Ok(place) => self.walk(&Walk { place: &place, named, owners, known: &known }, "", 0, &mut tree),
                Err(why) => tree.refuse(&named.name, why),
            }
        }
        let bytes: u64 = tree.entries.values().map(|entry| entry.size).sum();
        if bytes > BYTES_MAX || tree.entries.len() > ENTRIES_MAX {
            let (count, named) = (tree.entries.len(), named.first().map_or("", |named| &named.name));
            let why = format!(
                "all together are {count} files and folders of {bytes} bytes; {ENTRIES_MAX} of {BYTES_MAX} can be kept the same"
            );
            tree.refuse(named, why);
        }
        tree
    }

    fn walk(&mut self, walk: &Walk<'_>, below: &str, depth: usize, tree: &mut Tree) {
        let path = walk.path(below);
        match walk.place.stamp(below) {
            Ok(None) if below.is_empty() => tree.absent.push(path),
            // It has gone since the folder was read.
            Ok(None) => {}
            Err(why) => tree.refuse(&path, why),
            Ok(Some(stamp)) if stamp.kind == Kind::Other => {
                tree.refuse(&path, "is a link, a device or a socket: only files and folders are kept the same");
            }
            Ok(Some(stamp)) if stamp.mode & !MODE != 0 && stamp.kind == Kind::File => {
                tree.refuse(&path, "is setuid, setgid or sticky: such files are not kept the same");
            }
            Ok(Some(stamp)) if stamp.kind == Kind::Folder => {
                tree.entries.insert(path.clone(), walk.entry(path.clone(), &stamp, None));
                self.enter(walk, below, depth, tree);
            }
            Ok(Some(stamp)) => match self.digest(walk, below, &path, stamp) {
                Ok((stamp, digest)) => drop(tree.entries.insert(path.clone(), walk.entry(path, &stamp, Some(digest)))),
                Err(why) => tree.refuse(&path, why),
            },
        }
    }

    fn enter(&mut self, walk: &Walk<'_>, below: &str, depth: usize, tree: &mut Tree) {
        let path = walk.path(below);
        if depth >= DEPTH_MAX {
            return tree.refuse(&path, format!("folders are more than {DEPTH_MAX} deep"));
        }
        match walk.place.names(below) {
            Err(why) => tree.refuse(&path, why),
            Ok(names) => {
                for name in names {
                    // Enough is known to refuse it all.
                    if tree.entries.len() > ENTRIES_MAX {
                        return;
                    }
                    let below = if below.is_empty() { name } else { format!("{below}/{name}") };
                    self.walk(walk, &below, depth + 1, tree);
                }
            }
        }
    }

    fn digest(&mut self, walk: &Walk<'_>, below: &str, path: &str, stamp: Stamp) -> Result<(Stamp, Digest), Wrong> {
        let (stamp, digest) = match walk.known.get(path) {
            Some((known, digest)) if *known == stamp => (stamp, *digest),
            Some(_) | None => {
                let (bytes, stamp) = walk.place.read(below)?;
                (stamp, Digest::of(&bytes))
            }
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs().cast_signed());
        if stamp.changed_at() + SETTLED < now {
            self.known.insert(path.to_owned(), (stamp, digest));
        }
        Ok((stamp, digest))
    }
}

/// One named file or folder, while it is looked at.
struct Walk<'a> {
    place: &'a Place,
    named: &'a Named,
    owners: &'a Owners,
    known: &'a BTreeMap<String, (Stamp, Digest)>,
}

impl Walk<'_> {
    fn path(&self, below: &str) -> String {
        if below.is_empty() { self.named.name.clone() } else { format!("{}/{below}", self.named.name) }
    }

    fn entry(&self, path: String, stamp: &Stamp, digest: Option<Digest>) -> Entry {
        let (user, group) = self.owners.names(stamp.uid, stamp.gid);
        let (uid, gid) = (stamp.uid, stamp.gid);
        let size = if digest.is_some() { stamp.size } else { 0 };
        Entry { path, digest, size, mode: stamp.mode & MODE, uid, gid, user, group }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::*;

    fn scan(folder: &Path) -> Tree {
        let named = ["conf", "one"].map(|name| Named { name: name.into(), path: folder.join(name) });
        Scanner::default().scan(&named, &Owners::default())
    }

    #[test]
    fn files_and_folders_are_found_and_the_odd_ones_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let conf = folder.path().join("conf");
        fs::create_dir_all(conf.join("sub")).expect("a disk");
        fs::write(conf.join("sub/a"), "a").expect("a disk");
        fs::write(conf.join(".hotseat-sync-a"), "ours").expect("a disk");
        fs::write(conf.join("root"), "s").expect("a disk");
        fs::set_permissions(conf.join("root"), fs::Permissions::from_mode(0o4755)).expect("a disk");
        symlink("/etc/passwd", conf.join("link")).expect("a disk");
        let tree = scan(folder.path());
        assert_eq!(tree.entries.keys().collect::<Vec<_>>(), ["conf", "conf/sub", "conf/sub/a"]);
        assert_eq!(tree.entries["conf/sub/a"].digest, Some(Digest::of(b"a")));
        assert_eq!(tree.wrong.keys().collect::<Vec<_>>(), ["conf/link", "conf/root"]);
        assert_eq!(tree.absent, ["one"]);
    }

    #[test]
    fn a_change_is_seen_though_size_and_time_are_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("one");
        let named = [Named { name: "one".into(), path: path.clone() }];
        let mut scanner = Scanner::default();
        let mut digests = Vec::new();
        for content in ["a", "b", "c"] {
            fs::write(&path, content).expect("a disk");
            digests.push(scanner.scan(&named, &Owners::default()).entries["one"].digest);
        }
        assert_eq!(digests, [b"a", b"b", b"c"].map(|it| Some(Digest::of(it))));
    }

    #[test]
    fn too_many_are_refused_in_words() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("conf")).expect("a disk");
        for number in 0..=ENTRIES_MAX {
            fs::write(folder.path().join(format!("conf/{number}")), "").expect("a disk");
        }
        let tree = scan(folder.path());
        assert!(tree.wrong["conf"].contains("more than"), "{:?}", tree.wrong);
    }
}
