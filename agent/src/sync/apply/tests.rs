//! Versions put in place on a disk of our own: whole, or not at all, and nowhere else.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use hotseat_core::GroupId;
use tempfile::TempDir;

use super::super::entry::tests::file;
use super::super::pack::tests::pack;
use super::super::scan::Scanner;
use super::*;

/// One member: `conf`, a folder that is sent, and what it remembers.
struct Disk {
    root: TempDir,
    named: Vec<Named>,
    owners: Owners,
    records: Records,
}

impl Disk {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let named = vec![Named { name: "conf".into(), path: root.path().join("conf") }];
        let records = Records::open(&root.path().join("data"), &GroupId::new("web").unwrap()).unwrap();
        Self { root, named, owners: Owners::default(), records }
    }

    fn hand(&self) -> Hand<'_> {
        Hand { named: &self.named, owners: &self.owners, records: &self.records, gives: false }
    }

    fn apply(&self, number: u64, pack: &Pack) -> Result<Saved, String> {
        let before = self.records.state().unwrap();
        self.hand().apply(&before, state(number, pack), pack)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().join(name)
    }

    /// Every file of the folder and what it holds, ours for a moment among them.
    fn files(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        collect(&self.path("conf"), "conf", &mut all);
        all.sort();
        all
    }
}

fn collect(folder: &Path, name: &str, all: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = format!("{name}/{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, all);
        } else {
            all.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

fn state(number: u64, pack: &Pack) -> State {
    State { born: "b".into(), number, entries: pack.entries.clone(), hooked: true }
}

fn folder(path: &str) -> Entry {
    Entry { digest: None, size: 0, mode: 0o755, ..file(path, b"") }
}

/// Files in `conf` and `conf/sub`.
fn version(files: &[(&str, &[u8])]) -> Pack {
    let files = pack(files);
    let content = files.files().flat_map(|(_, content)| content.to_vec()).collect();
    let folders = [folder("conf"), folder("conf/sub")];
    Pack::new(folders.into_iter().chain(files.entries).collect(), content)
}

fn held(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(name, content)| ((*name).into(), (*content).into())).collect()
}

#[test]
fn a_version_comes_with_its_modes_and_what_is_gone_goes() {
    let disk = Disk::new();
    let mut first = version(&[("conf/a", b"1"), ("conf/sub/b", b"2"), ("conf/sub/c", b"3")]);
    first.entries[2].mode = 0o640;
    assert_eq!(disk.apply(1, &first), Ok(vec![]));
    assert_eq!(disk.files(), held(&[("conf/a", "1"), ("conf/sub/b", "2"), ("conf/sub/c", "3")]));
    assert_eq!(fs::metadata(disk.path("conf/a")).unwrap().permissions().mode() & 0o7777, 0o640);
    let untouched = fs::metadata(disk.path("conf/sub/b")).unwrap().ino();
    assert_eq!(disk.apply(2, &version(&[("conf/a", b"new"), ("conf/sub/b", b"2")])), Ok(vec![]));
    assert_eq!(disk.files(), held(&[("conf/a", "new"), ("conf/sub/b", "2")]));
    assert_eq!(fs::metadata(disk.path("conf/sub/b")).unwrap().ino(), untouched, "what is the same is left alone");
    assert_eq!(disk.records.state().unwrap().number, 2);
}

#[test]
fn what_was_changed_here_is_saved_first() {
    let disk = Disk::new();
    fs::create_dir(disk.path("conf")).unwrap();
    fs::write(disk.path("conf/a"), "from before").unwrap();
    fs::write(disk.path("conf/own"), "nobody else's").unwrap();
    let saved = disk.apply(1, &version(&[("conf/a", b"1"), ("conf/b", b"2")])).unwrap();
    assert_eq!(saved.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["conf/a"]);
    assert_eq!(fs::read_to_string(&saved[0].1).unwrap(), "from before");
    fs::write(disk.path("conf/b"), "edited").unwrap();
    let saved = disk.apply(2, &version(&[("conf/a", b"3")])).unwrap();
    assert_eq!(saved.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["conf/b"]);
    assert_eq!(fs::read_to_string(&saved[0].1).unwrap(), "edited");
    assert_eq!(disk.files(), held(&[("conf/a", "3"), ("conf/own", "nobody else's")]));
}

/// A crash with everything staged, and no journal: as if nothing had been begun.
#[test]
fn what_was_only_staged_is_removed() {
    let disk = Disk::new();
    disk.apply(1, &version(&[("conf/a", b"1"), ("conf/sub/b", b"2")])).unwrap();
    let next = version(&[("conf/a", b"new"), ("conf/sub/b", b"new")]);
    let hand = disk.hand();
    hand.stage(&hand.work(&disk.records.state().unwrap(), &next).unwrap()).unwrap();
    assert_eq!(disk.files().len(), 4, "staged beside");
    let tree = Scanner::default().scan(&disk.named, &disk.owners);
    assert_eq!(tree.entries.len(), 4, "what is staged is nobody's");
    hand.recover(&["conf".into(), "conf/sub".into()]).unwrap();
    assert_eq!(disk.files(), held(&[("conf/a", "1"), ("conf/sub/b", "2")]));
    assert_eq!(disk.records.state().unwrap().number, 1);
}

/// A crash after the journal, with any number of renames done: the rest is done at the next start.
#[test]
fn what_was_begun_is_finished() {
    for renamed in 0..=3 {
        let disk = Disk::new();
        let before = version(&[("conf/a", b"1"), ("conf/b", b"1"), ("conf/sub/c", b"1"), ("conf/old", b"1")]);
        disk.apply(1, &before).unwrap();
        let next = version(&[("conf/a", b"2"), ("conf/b", b"2"), ("conf/sub/c", b"2")]);
        let hand = disk.hand();
        let work = hand.work(&disk.records.state().unwrap(), &next).unwrap();
        let staged = hand.stage(&work).unwrap();
        let journal = Journal { state: state(2, &next), staged, gone: work.gone, gone_folders: work.gone_folders };
        disk.records.begin(&journal).unwrap();
        journal.staged.iter().take(renamed).for_each(|path| hand.rename(path).unwrap());
        hand.recover(&[]).unwrap();
        assert_eq!(disk.files(), held(&[("conf/a", "2"), ("conf/b", "2"), ("conf/sub/c", "2")]), "{renamed}");
        assert_eq!((disk.records.state().unwrap().number, disk.records.journal().unwrap()), (2, None));
    }
}

#[test]
fn a_link_in_the_way_leads_nowhere() {
    let disk = Disk::new();
    disk.apply(1, &version(&[("conf/a", b"1"), ("conf/sub/b", b"1")])).unwrap();
    fs::create_dir(disk.path("outside")).unwrap();
    fs::write(disk.path("outside/b"), "theirs").unwrap();
    fs::remove_dir_all(disk.path("conf/sub")).unwrap();
    symlink(disk.path("outside"), disk.path("conf/sub")).unwrap();
    let why = disk.apply(2, &version(&[("conf/a", b"2"), ("conf/sub/b", b"2")])).unwrap_err();
    assert!(why.contains("conf/sub"), "{why}");
    assert_eq!(fs::read_to_string(disk.path("outside/b")).unwrap(), "theirs");
    assert_eq!(fs::read_dir(disk.path("outside")).unwrap().count(), 1, "nothing was put there");
    assert_eq!(fs::read_to_string(disk.path("conf/a")).unwrap(), "1", "whole, or not at all");
    fs::remove_file(disk.path("conf/sub")).unwrap();
    disk.apply(2, &version(&[("conf/a", b"2"), ("conf/sub/b", b"2")])).unwrap();
    assert_eq!(disk.files(), held(&[("conf/a", "2"), ("conf/sub/b", "2")]));
}

/// The second file cannot be staged: nothing of the first is left.
#[test]
fn what_fails_halfway_leaves_nothing() {
    let disk = Disk::new();
    disk.apply(1, &version(&[("conf/a", b"1")])).unwrap();
    // A folder where a file is to be staged, which is not ours to remove.
    fs::create_dir_all(disk.path("conf/sub/.hotseat-sync-b/x")).unwrap();
    let why = disk.apply(2, &version(&[("conf/a", b"2"), ("conf/sub/b", b"2")])).unwrap_err();
    assert!(why.starts_with("conf/sub/b"), "{why}");
    assert_eq!(disk.files(), held(&[("conf/a", "1")]));
    assert_eq!((disk.records.state().unwrap().number, disk.records.journal().unwrap()), (1, None));
}
