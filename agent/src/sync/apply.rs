//! Putting a version in place: whole, or not at all.
//!
//! ```text
//!  look at what is there ─> save what was changed here ─> stage beside, fsync ─> journal ─> rename each ─> state, no journal
//!                 a crash up to here: what is staged goes │ from here on: the rest is done at the next start
//! ```
//! Files are replaced one by one, within a moment: who reads several of them in that moment may see old and new.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid, fchmod, fchown, fsync, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

use super::STAGED;
use super::entry::{Entry, place};
use super::owners::Owners;
use super::pack::Pack;
use super::place::{Kind, Place, Stamp, Wrong};
use super::saved;
use super::state::{Journal, Records, State};
use crate::config::Named;

/// See the module.
pub(super) struct Hand<'a> {
    pub(super) named: &'a [Named],
    pub(super) owners: &'a Owners,
    pub(super) records: &'a Records,
    /// Whether files can be given to others: root may.
    pub(super) gives: bool,
}

/// What was saved, and where: for people.
pub(super) type Saved = Vec<(String, PathBuf)>;

/// What has to be done, before anything is.
#[derive(Default)]
struct Work<'a> {
    folders: Vec<&'a Entry>,
    files: Vec<(&'a Entry, &'a [u8])>,
    gone: Vec<String>,
    gone_folders: Vec<String>,
    save: Vec<(String, Vec<u8>)>,
}

impl Hand<'_> {
    /// Puts a version in place of `before`. When this fails nothing has changed, but for folders that are new and empty,
    /// or the journal stands and the rest is done later.
    ///
    /// # Errors
    /// What is in the way, and where.
    pub(super) fn apply(&self, before: &State, after: State, pack: &Pack) -> Result<Saved, String> {
        let work = self.work(before, pack)?;
        let mut kept = Saved::new();
        for (path, bytes) in &work.save {
            kept.push((path.clone(), saved::save(&self.records.saved(), after.number, path, bytes)?));
        }
        let staged = self.stage(&work)?;
        let journal = Journal { state: after, staged, gone: work.gone, gone_folders: work.gone_folders };
        if let Err(why) = self.records.begin(&journal) {
            self.unstage(&journal.staged);
            return Err(why);
        }
        self.finish(&journal)?;
        Ok(kept)
    }

    /// After a start: what was begun is done, or what was only staged is removed.
    ///
    /// # Errors
    /// What is in the way.
    pub(super) fn recover(&self, folders: &[String]) -> Result<(), String> {
        match self.records.journal()? {
            Some(journal) => self.finish(&journal),
            None => {
                self.sweep(folders);
                Ok(())
            }
        }
    }

    fn at<'p>(&self, path: &'p str) -> Result<(Place, &'p str), String> {
        let (named, below) = place(self.named, path).ok_or_else(|| format!("{path} is not named here any more"))?;
        Ok((Place::open(named).map_err(|why| at(path, &why))?, below))
    }

    fn work<'a>(&self, before: &State, pack: &'a Pack) -> Result<Work<'a>, String> {
        let mut work = Work::default();
        let paths: BTreeSet<_> = pack.entries.iter().map(|entry| entry.path.as_str()).collect();
        for entry in pack.entries.iter().filter(|entry| entry.digest.is_none()) {
            if self.folder_differs(entry)? {
                work.folders.push(entry);
            }
        }
        for (entry, content) in pack.files() {
            if self.differs(entry, before, &mut work.save)? {
                work.files.push((entry, content));
            }
        }
        for entry in before.entries.iter().filter(|entry| !paths.contains(entry.path.as_str())) {
            match entry.digest {
                // It was named when it came, and is not now: it is nobody's but the operator's.
                _ if place(self.named, &entry.path).is_none() => {}
                None => work.gone_folders.push(entry.path.clone()),
                Some(_) => self.goes(entry, &mut work)?,
            }
        }
        // The innermost first.
        work.gone_folders.sort_unstable_by(|a, b| b.cmp(a));
        Ok(work)
    }

    fn folder_differs(&self, entry: &Entry) -> Result<bool, String> {
        let (place, below) = self.at(&entry.path)?;
        match place.stamp(below).map_err(|why| at(&entry.path, &why))? {
            None => Ok(true),
            Some(stamp) if stamp.kind == Kind::Folder => Ok(!self.fits(entry, &stamp)),
            Some(_) => Err(format!("{} is no folder here: move it away", entry.path)),
        }
    }

    fn differs(&self, entry: &Entry, before: &State, save: &mut Vec<(String, Vec<u8>)>) -> Result<bool, String> {
        let (place, below) = self.at(&entry.path)?;
        let wrong = |why: &Wrong| at(&entry.path, why);
        match place.stamp(below).map_err(|why| wrong(&why))? {
            None => Ok(true),
            Some(stamp) if stamp.kind == Kind::File => {
                let (bytes, stamp) = place.read(below).map_err(|why| wrong(&why))?;
                let digest = Some(super::digest::Digest::of(&bytes));
                if digest != entry.digest && digest != before.digest(&entry.path) {
                    save.push((entry.path.clone(), bytes));
                }
                Ok(digest != entry.digest || !self.fits(entry, &stamp))
            }
            Some(_) => Err(format!("{} is no file here: move it away", entry.path)),
        }
    }

    fn goes(&self, entry: &Entry, work: &mut Work<'_>) -> Result<(), String> {
        let (place, below) = self.at(&entry.path)?;
        let stamp = place.stamp(below).map_err(|why| at(&entry.path, &why))?;
        if stamp.is_none_or(|stamp| stamp.kind != Kind::File) {
            return Ok(());
        }
        let (bytes, _) = place.read(below).map_err(|why| at(&entry.path, &why))?;
        if entry.digest != Some(super::digest::Digest::of(&bytes)) {
            work.save.push((entry.path.clone(), bytes));
        }
        work.gone.push(entry.path.clone());
        Ok(())
    }

    /// Whether mode and owner are as they should be, as far as we can make them so.
    fn fits(&self, entry: &Entry, stamp: &Stamp) -> bool {
        let owner = !self.gives || (stamp.uid, stamp.gid) == self.owner(entry);
        owner && stamp.mode == entry.mode
    }

    fn owner(&self, entry: &Entry) -> (u32, u32) {
        self.owners.numbers((entry.user.as_deref(), entry.uid), (entry.group.as_deref(), entry.gid))
    }

    /// Makes folders, and puts every file beside its place. On failure nothing is left of it but empty folders.
    fn stage(&self, work: &Work<'_>) -> Result<Vec<String>, String> {
        for entry in &work.folders {
            self.make_folder(entry).map_err(|why| at(&entry.path, &why))?;
        }
        let mut staged = Vec::new();
        for (entry, content) in &work.files {
            staged.push(entry.path.clone());
            if let Err(why) = self.stage_file(entry, content) {
                self.unstage(&staged);
                return Err(at(&entry.path, &why));
            }
        }
        Ok(staged)
    }

    fn make_folder(&self, entry: &Entry) -> Result<(), Wrong> {
        let (place, below) = self.at(&entry.path).map_err(Wrong)?;
        let (around, name) = place.around(below)?;
        match mkdirat(&around, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
        self.dress(&place.folder(below)?, entry)?;
        Ok(fsync(around)?)
    }

    fn stage_file(&self, entry: &Entry, content: &[u8]) -> Result<(), Wrong> {
        let (place, below) = self.at(&entry.path).map_err(Wrong)?;
        let (around, name) = place.around(below)?;
        let staged = format!("{STAGED}{name}");
        remove(&around, &staged, AtFlags::empty())?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&around, &staged, flags, Mode::RUSR | Mode::WUSR)?);
        file.write_all(content)?;
        self.dress(&file, entry)?;
        Ok(file.sync_all()?)
    }

    fn dress(&self, file: &impl AsFd, entry: &Entry) -> Result<(), Wrong> {
        if self.gives {
            let (uid, gid) = self.owner(entry);
            fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        Ok(fchmod(file, Mode::from_raw_mode(entry.mode))?)
    }

    fn unstage(&self, paths: &[String]) {
        for path in paths {
            if let Ok((place, below)) = self.at(path)
                && let Ok((around, name)) = place.around(below)
            {
                drop(remove(&around, &format!("{STAGED}{name}"), AtFlags::empty()));
            }
        }
    }

    /// Renames what is staged, removes what goes. May be done again from anywhere in the middle.
    fn finish(&self, journal: &Journal) -> Result<(), String> {
        // What is not named any more is nobody's but the operator's.
        let ours = |path: &&String| place(self.named, path).is_some();
        for path in journal.staged.iter().filter(ours) {
            self.rename(path).map_err(|why| at(path, &why))?;
        }
        for (paths, flags) in [(&journal.gone, AtFlags::empty()), (&journal.gone_folders, AtFlags::REMOVEDIR)] {
            for path in paths.iter().filter(ours) {
                self.go(path, flags).map_err(|why| at(path, &why))?;
            }
        }
        self.records.end(&journal.state)
    }

    fn rename(&self, path: &str) -> Result<(), Wrong> {
        let (place, below) = self.at(path).map_err(Wrong)?;
        let (around, name) = place.around(below)?;
        match renameat(&around, format!("{STAGED}{name}"), &around, name) {
            // It was renamed before the crash.
            Ok(()) | Err(Errno::NOENT) => Ok(fsync(around)?),
            Err(errno) => Err(errno.into()),
        }
    }

    fn go(&self, path: &str, flags: AtFlags) -> Result<(), Wrong> {
        let (place, below) = self.at(path).map_err(Wrong)?;
        // The folder that it was in may be gone already.
        let Ok((around, name)) = place.around(below) else { return Ok(()) };
        remove(&around, name, flags)?;
        Ok(fsync(around)?)
    }

    /// Removes what a crash has left before anything was replaced.
    fn sweep(&self, folders: &[String]) {
        let files: Vec<_> = self.named.iter().map(|named| named.name.clone()).collect();
        self.unstage(&files);
        for folder in folders {
            let Ok((place, below)) = self.at(folder) else { continue };
            let (Ok(names), Ok(around)) = (place.staged(below), place.folder(below)) else { continue };
            for name in names {
                drop(remove(&around, &name, AtFlags::empty()));
            }
        }
    }
}

fn remove(around: &OwnedFd, name: &str, flags: AtFlags) -> Result<(), Wrong> {
    match unlinkat(around, name, flags) {
        // Somebody keeps files of their own in that folder.
        Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn at(path: &str, why: &Wrong) -> String {
    format!("{path}: {why}")
}

#[cfg(test)]
mod tests;
