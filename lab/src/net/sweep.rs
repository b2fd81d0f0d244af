//! Takes away what runs that were killed have left: their processes, namespaces and cgroups. Only what carries the name
//! of a run whose process is dead is touched.

use std::fs;
use std::path::Path;

use rustix::process::Signal;

use super::host::{Host, NAMES};
use crate::freezer;
use crate::processes::{self, MARK};

/// How the names of our namespaces begin; the number of the process that made them follows.
pub(super) const PREFIX: &str = "hotlab-";

/// See the module.
pub fn sweep() {
    processes::numbers().into_iter().filter(|pid| orphaned(*pid)).for_each(|pid| processes::signal(pid, Signal::KILL));
    freezer::of_dead_runs(dead);
    let names =
        fs::read_dir(NAMES).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let left = names.filter(|name| name.strip_prefix(PREFIX).is_some_and(dead));
    left.for_each(|name| Host::named(name).remove());
}

/// Whether a process carries the mark of a run that is over.
fn orphaned(pid: i32) -> bool {
    let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let mark = format!("{MARK}=lab-");
    let its = environ.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(mark.as_bytes()));
    its.is_some_and(|rest| std::str::from_utf8(rest).is_ok_and(dead))
}

/// Whether what comes after the prefix begins with the number of a process that is dead.
fn dead(rest: &str) -> bool {
    let number: Option<i32> = rest.split('-').next().and_then(|number| number.parse().ok());
    number.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists())
}
