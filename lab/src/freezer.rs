//! A cgroup for all of a node: frozen and thawed in one step, as a machine that pauses is. Without cgroup v2 there is
//! none, and faults fall back to signals, one process after the other.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{CEILING, poll, starve};

/// Where cgroup v2 may be.
const ROOTS: [&str; 2] = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

/// See the module. The node's own cgroups are made inside of it.
#[derive(Clone, Debug)]
pub(crate) struct Freezer(PathBuf);

impl Freezer {
    /// For the node of this mark; `None` where cgroups cannot be made.
    pub(crate) fn new(mark: &str) -> Option<Self> {
        let root = ROOTS.into_iter().find(|root| Path::new(root).join("cgroup.controllers").exists())?;
        let path = Path::new(root).join(mark.replace('/', "."));
        fs::create_dir(&path).ok()?;
        let freezer = Self(path);
        freezer.0.join("cgroup.freeze").exists().then_some(freezer)
    }

    /// Takes a process in, and with it whatever it starts from now on.
    pub(crate) fn take(&self, pid: i32) {
        // One that has died at once needs no freezer.
        drop(fs::write(self.0.join("cgroup.procs"), pid.to_string()));
    }

    /// Nothing in it does anything when this returns.
    pub(crate) fn freeze(&self) {
        fs::write(self.0.join("cgroup.freeze"), "1").unwrap();
        let frozen =
            || fs::read_to_string(self.0.join("cgroup.events")).is_ok_and(|events| events.contains("frozen 1"));
        poll(CEILING, || frozen().then_some(())).expect("it freezes");
    }

    /// Everything in it goes on.
    pub(crate) fn thaw(&self) {
        fs::write(self.0.join("cgroup.freeze"), "0").unwrap();
    }

    /// How many cgroups there are in it, itself included.
    pub(crate) fn groups(&self) -> usize {
        count(&self.0)
    }

    /// Takes it away, once nothing in it is alive, with what guards have left in it.
    pub(crate) fn remove(&self) {
        remove(&self.0);
    }
}

/// Takes away the groups of runs that are over; `dead` judges by what comes after their prefix.
pub(crate) fn of_dead_runs(dead: fn(&str) -> bool) {
    let roots = ROOTS.iter().chain(&[starve::CPU, starve::MEMORY]);
    let groups = roots.filter_map(|root| fs::read_dir(root).ok()).flatten().flatten();
    for group in
        groups.filter(|it| it.file_name().to_str().and_then(|name| name.strip_prefix("lab-")).is_some_and(dead))
    {
        // What is killed while frozen dies when it thaws.
        drop(fs::write(group.path().join("cgroup.freeze"), "0"));
        poll(CEILING, || empty(&group.path()).then_some(()));
        remove(&group.path());
    }
}

fn empty(group: &Path) -> bool {
    !fs::read_to_string(group.join("cgroup.events")).is_ok_and(|events| events.contains("populated 1"))
}

fn within(path: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path())
}

fn count(path: &Path) -> usize {
    1 + within(path).map(|group| count(&group)).sum::<usize>()
}

fn remove(path: &Path) {
    within(path).for_each(|group| remove(&group));
    drop(fs::remove_dir(path));
}
