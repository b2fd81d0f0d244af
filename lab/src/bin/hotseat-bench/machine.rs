//! On what it was measured.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) kernel: String,
    pub(crate) disk: String,
    pub(crate) commit: String,
    pub(crate) load: String,
}

pub(crate) fn look(disk: &str) -> Machine {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.map(|line| line.trim_start_matches([' ', '\t', ':']).to_owned()).unwrap_or_default()
    };
    let memory = after(&text("/proc/meminfo"), "MemTotal");
    let kb: f64 = memory.trim_end_matches(" kB").parse().unwrap_or(0.0);
    Machine {
        date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        cpu: after(&text("/proc/cpuinfo"), "model name"),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory_gib: kb / 1024.0 / 1024.0,
        kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
        disk: mounted(disk),
        commit: commit(),
        load: text("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
    }
}

/// The file system and the device under a folder.
fn mounted(folder: &str) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let under = fields.filter(|fields| fields.len() > 2 && Path::new(folder).starts_with(fields[1]));
    under
        .max_by_key(|fields| fields[1].len())
        .map_or_else(String::new, |fields| format!("{} on {}", fields[2], fields[0]))
}

fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let dirty = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|text| !text.is_empty());
    let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| String::from("unknown"));
    if dirty { format!("{commit}, with changes") } else { commit }
}
