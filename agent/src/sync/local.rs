//! This member's disk: what of it may wait for one. Everything here runs on a thread that may be held up.

use std::collections::BTreeMap;

use super::apply::{Hand, Saved};
use super::compare::{Differences, differences};
use super::digest::Digest;
use super::entry::place;
use super::owners::Owners;
use super::pack::Pack;
use super::place::{Place, Stamp};
use super::report::{Report, Seen, Texts};
use super::scan::{Scanner, Tree};
use super::send::Unsent;
use super::state::{Records, State};
use crate::config::{Named, Sync};

/// See the module.
pub(super) struct Local {
    records: Records,
    /// The version that is in place.
    pub(super) state: State,
    sent: Scanner,
    watched: Scanner,
    /// What the last look found of the files that are sent.
    pub(super) tree: Tree,
    /// Whether the look before it found the same.
    pub(super) settled: bool,
    recovered: bool,
}

impl Local {
    /// Nothing is touched yet.
    pub(super) fn new(records: Records) -> Self {
        let (sent, watched) = (Scanner::default(), Scanner::default());
        Self {
            records,
            state: State::default(),
            sent,
            watched,
            tree: Tree::default(),
            settled: false,
            recovered: false,
        }
    }

    /// Once: finishes what a crash has cut short, and finds out which version is in place.
    ///
    /// # Errors
    /// What is in the way; it is tried again.
    pub(super) fn recover(&mut self, sync: &Sync) -> Result<(), String> {
        if !self.recovered {
            let owners = Owners::read();
            let tree = self.sent.scan(&sync.paths, &owners);
            let folders: Vec<_> =
                tree.entries.values().filter(|entry| entry.digest.is_none()).map(|entry| entry.path.clone()).collect();
            hand(sync, &owners, &self.records).recover(&folders)?;
            self.state = self.records.state()?;
            self.recovered = true;
        }
        Ok(())
    }

    /// Looks at the files that are sent: how they differ from the version in place.
    pub(super) fn look(&mut self, sync: &Sync) -> Differences {
        let owners = Owners::read();
        let tree = self.sent.scan(&sync.paths, &owners);
        self.settled = tree == self.tree;
        self.tree = tree;
        differences(&self.tree, &self.state, root().then_some(&owners))
    }

    /// Puts a version in place.
    ///
    /// # Errors
    /// What is in the way.
    pub(super) fn apply(&mut self, sync: &Sync, before: &State, after: State, pack: &Pack) -> Result<Saved, String> {
        let owners = Owners::read();
        let applied = hand(sync, &owners, &self.records).apply(before, after.clone(), pack);
        match &applied {
            Ok(_) => self.state = after,
            // The journal may stand: what is left is done first.
            Err(_) => self.recovered = false,
        }
        applied
    }

    /// Keeps in mind what is in place.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(super) fn keep(&mut self, state: State) -> Result<(), String> {
        self.records.keep(&state)?;
        self.state = state;
        Ok(())
    }

    /// Reads everything that the last look found, to be sent.
    ///
    /// # Errors
    /// When something of it has changed since.
    pub(super) fn gather(&self, sync: &Sync) -> Result<Pack, Unsent> {
        let mut content = Vec::new();
        for entry in self.tree.entries.values().filter(|entry| entry.digest.is_some()) {
            let (bytes, _) = read(&sync.paths, &entry.path).map_err(Unsent::Later)?;
            if entry.digest != Some(Digest::of(&bytes)) {
                return Err(Unsent::Later(format!("{} changes while it is read", entry.path)));
            }
            content.extend(bytes);
        }
        Ok(Pack::new(self.tree.entries.values().cloned().collect(), content))
    }

    /// What this member says of its files. `changed` are those that are not as in the version in place.
    pub(super) fn report(&mut self, sync: &Sync, changed: Differences) -> Report {
        let mut report = Report { version: self.state.number, ..Report::default() };
        let mut texts = Texts::default();
        report.change(changed.into_iter().map(|(path, what)| {
            let digest = self.tree.entries.get(&path).and_then(|entry| entry.digest);
            let differs = digest.is_some() && digest != self.state.digest(&path);
            let text = differs.then(|| text(&sync.paths, &path, &mut texts)).flatten();
            (path, Seen { digest, what: Some(what), text })
        }));
        let tree = self.watched.scan(&sync.watch, &Owners::default());
        let names = sync.watch.iter().map(|named| named.name.clone()).collect();
        report.watch(names, &tree, |path| sync.share.then(|| text(&sync.watch, path, &mut texts)).flatten());
        report
    }

    /// Named folders that held files in the version in place, and hold none now.
    pub(super) fn emptied<'a>(&self, sync: &'a Sync) -> Option<&'a str> {
        let files = |entries: &mut dyn Iterator<Item = &super::entry::Entry>, name: &str| {
            entries.filter(|it| it.digest.is_some() && super::entry::below(name, &it.path).is_some()).count()
        };
        let counts: BTreeMap<&str, (usize, usize)> = sync
            .paths
            .iter()
            .map(|it| it.name.as_str())
            .map(|name| {
                (name, (files(&mut self.state.entries.iter(), name), files(&mut self.tree.entries.values(), name)))
            })
            .collect();
        counts.into_iter().find(|(_, (before, now))| *before > 0 && *now == 0).map(|(name, _)| name)
    }
}

/// Whether files can be given to others.
pub(super) fn root() -> bool {
    rustix::process::geteuid().is_root()
}

fn hand<'a>(sync: &'a Sync, owners: &'a Owners, records: &'a Records) -> Hand<'a> {
    Hand { named: &sync.paths, owners, records, gives: root() }
}

fn read(named: &[Named], path: &str) -> Result<(Vec<u8>, Stamp), String> {
    let wrong = |why: &dyn std::fmt::Display| format!("{path}: {why}");
    let (named, below) = place(named, path).ok_or_else(|| wrong(&"is not named here"))?;
    let place = Place::open(named).map_err(|why| wrong(&why))?;
    place.read(below).map_err(|why| wrong(&why))
}

fn text(named: &[Named], path: &str, texts: &mut Texts) -> Option<String> {
    texts.take(read(named, path).ok()?.0)
}
