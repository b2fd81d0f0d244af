//! What is left of a `hotseat dev`: every process, however deep, that carries its mark in the environment.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// The variable that agents are started with and everything below inherits.
pub(super) const MARK: &str = "_HOTSEAT_DEV";

/// The processes that carry the mark of this folder.
pub(super) fn of(folder: &Path) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| carries(*pid, folder)).collect()
}

/// Kills them all. What is opened first and looked at again then cannot be somebody else.
pub(super) fn kill(folder: &Path) {
    for pid in of(folder) {
        let known = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let Some(Ok(process)) = known.map(|known| pidfd_open(known, PidfdFlags::empty())) else { continue };
        if carries(pid, folder) {
            let _gone_already = pidfd_send_signal(&process, Signal::KILL);
        }
    }
}

fn carries(pid: u32, folder: &Path) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    let mark = [MARK.as_bytes(), b"=", folder.as_os_str().as_bytes()].concat();
    environment.split(|byte| *byte == 0).any(|variable| variable == mark)
}

/// Whether a process is stopped, as by `kill -STOP`.
pub(super) fn is_frozen(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The name may hold anything; the state comes after its last bracket.
    stat.rsplit(')')
        .next()
        .and_then(|rest| rest.trim_start().chars().next())
        .is_some_and(|state| matches!(state, 'T' | 't'))
}
