//! The signals that `hotseat lock` passes on to its command.
//!
//! The command is in a session of its own, so what is typed at the terminal reaches it only through here. A signal that
//! was ignored when we were started, as HUP is under `nohup`, stays ignored.

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Passed on as they come.
const PASSED_ON: [Signal; 8] =
    [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::USR1, Signal::USR2, Signal::ALARM, Signal::WINCH];

/// Signals that may wait: nobody sends so many in the moment it takes to pass one on.
const WAITING_MAX: usize = 16;

/// Whether it asks for the end, so that a lock that only waits gives up.
pub(crate) fn asks_for_the_end(signo: i32) -> bool {
    [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM].iter().any(|signal| signal.as_raw() == signo)
}

/// Catches them from now on, until the process ends.
///
/// # Errors
/// When the system refuses.
pub(crate) fn catch() -> std::io::Result<mpsc::Receiver<i32>> {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let ignored = ignored();
    // Stopped, it would not renew: the command would be killed for a key that was pressed.
    let stop = Signal::TSTP;
    for signo in PASSED_ON.iter().chain([&stop]).map(|signal| signal.as_raw()) {
        if ignored >> (signo - 1) & 1 == 1 {
            continue;
        }
        let mut caught = signal(SignalKind::from_raw(signo))?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while caught.recv().await.is_some() {
                if signo == stop.as_raw() {
                    eprintln!("hotseat lock: not suspended: the lock would be lost, and the command killed");
                } else if sender.send(signo).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(receiver)
}

/// The signals that are ignored, a bit for each.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}
