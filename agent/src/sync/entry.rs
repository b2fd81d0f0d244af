//! One file or folder of a set, and what makes a list of them believable: it may come from another node's hand.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::{BYTES_MAX, ENTRIES_MAX, FILE_MAX, STAGED};
use crate::config::Named;

/// The longest path of one, as it stands in records.
const PATH_MAX: usize = 1024;
/// The longest part of a path: the name beside it, under which it is staged, has to fit too.
pub(super) const PART_MAX: usize = 255 - STAGED.len();
/// Only who may read, write and run it travels: nothing that lends the owner's rights to others.
pub(super) const MODE: u32 = 0o777;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// As the configuration names it, or something below that.
    pub(super) path: String,
    /// What the file holds; a folder has none.
    pub(super) digest: Option<Digest>,
    /// How many bytes that is.
    pub(super) size: u64,
    /// Who may read, write and run it.
    pub(super) mode: u32,
    /// Whose it is, by number, where the name means nothing.
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Whose it is, by name.
    pub(super) user: Option<String>,
    pub(super) group: Option<String>,
}

/// Which of the named ones a path belongs to, and the rest of it.
pub(super) fn place<'a, 'b>(named: &'a [Named], path: &'b str) -> Option<(&'a Named, &'b str)> {
    named.iter().find_map(|named| Some((named, below(&named.name, path)?)))
}

/// What is left of a path below this name; nothing is left of the name itself.
pub(super) fn below<'a>(name: &str, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix(name)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/').filter(|rest| !rest.is_empty()) }
}

/// Whether this can be a part of a path: it leads nowhere else, can be shown, and is not one of our own.
pub(super) fn is_part(part: &str) -> bool {
    !matches!(part, "" | "." | "..")
        && part.len() <= PART_MAX
        && !part.contains(|c: char| c == '/' || c.is_control())
        && !part.starts_with(STAGED)
}

/// Whether these entries can be put in the places that are named here, and nowhere else.
///
/// # Errors
/// What is wrong with them.
pub(super) fn check(entries: &[Entry], named: &[Named]) -> Result<(), String> {
    if entries.len() > ENTRIES_MAX {
        return Err(format!("more than {ENTRIES_MAX} files and folders"));
    }
    let mut files = BTreeSet::new();
    let mut all = BTreeSet::new();
    let mut bytes = 0_u64;
    for entry in entries {
        let path = &entry.path;
        let shown = path.escape_debug();
        let (_, below) =
            place(named, path).ok_or_else(|| format!("{shown} is not among the files that are named here"))?;
        if path.len() > PATH_MAX || !(below.is_empty() || below.split('/').all(is_part)) {
            return Err(format!("{shown} is no path that may be written"));
        }
        if entry.mode & !MODE != 0 || entry.size > FILE_MAX || (entry.digest.is_none() && entry.size > 0) {
            return Err(format!("{shown} is of a kind that is not sent"));
        }
        if !all.insert(path.as_str()) {
            return Err(format!("{shown} is there twice"));
        }
        bytes = bytes.saturating_add(entry.size);
        files.extend(entry.digest.map(|_| path.as_str()));
    }
    if bytes > BYTES_MAX {
        return Err(format!("more than {BYTES_MAX} bytes"));
    }
    match all.iter().find(|path| above(path).any(|folder| files.contains(folder))) {
        Some(path) => Err(format!("{} is below a file", path.escape_debug())),
        None => Ok(()),
    }
}

/// The folders that a path is in, innermost first.
fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(path.rsplit_once('/'), |(folder, _)| folder.rsplit_once('/')).map(|(folder, _)| folder)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A file of this content.
    pub(in crate::sync) fn file(path: &str, content: &[u8]) -> Entry {
        Entry {
            path: path.into(),
            digest: Some(Digest::of(content)),
            size: content.len() as u64,
            mode: 0o644,
            uid: 0,
            gid: 0,
            user: None,
            group: None,
        }
    }

    fn named(names: &[&str]) -> Vec<Named> {
        names.iter().map(|name| Named { name: (*name).into(), path: name.into() }).collect()
    }

    fn refused(entries: &[Entry], expected: &str) {
        let why = check(entries, &named(&["/etc/app", "/etc/one.conf"])).expect_err(expected);
        assert!(why.contains(expected), "{why}");
    }

    #[test]
    fn a_hostile_list_is_refused() {
        for path in ["/etc/shadow", "/etc/app2", "/etc/ap", "etc/app/a", "", "/etc/one.conf.d/x"] {
            refused(&[file(path, b"x")], "not among");
        }
        for path in ["/etc/app/../shadow", "/etc/app/.", "/etc/app//x", "/etc/app/a\nb", "/etc/app/.hotseat-sync-x"] {
            refused(&[file(path, b"x")], "no path");
        }
        refused(&[file(&format!("/etc/app/{}", "x".repeat(250)), b"x")], "no path");
        refused(&[Entry { mode: 0o4755, ..file("/etc/app/x", b"x") }], "of a kind");
        refused(&[Entry { size: FILE_MAX + 1, ..file("/etc/app/x", b"x") }], "of a kind");
        refused(&[file("/etc/app/x", b"x"), file("/etc/app/x", b"y")], "twice");
        refused(&[file("/etc/app/x", b"x"), file("/etc/app/x/y/z", b"y")], "below a file");
        let many: Vec<_> = (0..=ENTRIES_MAX).map(|n| file(&format!("/etc/app/{n}"), b"")).collect();
        refused(&many, "more than");
    }

    #[test]
    fn what_was_named_is_taken() {
        let entries = [file("/etc/one.conf", b"1"), file("/etc/app/a/b", b"2"), file("/etc/app/..c", b"")];
        assert_eq!(check(&entries, &named(&["/etc/app", "/etc/one.conf"])), Ok(()));
    }
}
