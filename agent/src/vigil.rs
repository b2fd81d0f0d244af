//! A guard that is stopped guards nothing: it is ended, and with it the session.
//!
//! While it is stopped its keepers kill at the last deadline they know, and nobody tells the agent. So the agent looks
//! at the state of the guard's process now and then. It never judges a guard that runs.

use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Watches the guard with this process id, a child of ours, until it ends. Stopped at two looks, `pace` apart, it is
/// killed; what it held dies with it, and the loop hears that it is lost.
pub(crate) async fn watch(pid: u32, pace: Duration) {
    let Some(process) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    let Ok(handle) = pidfd_open(process, PidfdFlags::empty()) else { return };
    let mut stopped_before = false;
    loop {
        tokio::time::sleep(pace).await;
        match state(pid) {
            None | Some('Z' | 'X') => return,
            Some('T') if stopped_before => {
                tracing::error!("the guard is stopped: it is ended, and this session with it");
                // It may have ended by itself just now.
                let _ = pidfd_send_signal(&handle, Signal::KILL);
                return;
            }
            now => stopped_before = now == Some('T'),
        }
    }
}

/// The letter of a process's state, from the text after its name.
fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stopped_process_is_killed() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep runs");
        let pid = child.id();
        let process = Pid::from_child(&child);
        rustix::process::kill_process(process, Signal::STOP).expect("it is ours");
        watch(pid, Duration::from_millis(20)).await;
        let ended = child.wait().expect("it is ours");
        assert!(!ended.success(), "{ended}");
    }
}
