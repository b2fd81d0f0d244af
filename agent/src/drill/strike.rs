//! How a leader falls for a drill. Each is what it looks like: the ordinary path has to cope with it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use hotseat_client::DrillKind;
use hotseat_core::{GroupId, Request};
use rustix::process::{Pid, Signal, getpid, kill_process};
use tokio::sync::{mpsc, oneshot};

use crate::driver::Message;

/// What a fall needs.
pub(super) struct Means<'a> {
    /// The program, which also has the hand that thaws.
    pub(super) exe: &'a Path,
    /// The loop.
    pub(super) inbox: &'a mpsc::Sender<Message>,
    /// How long a freeze lasts: longer than any lease.
    pub(super) frozen: Duration,
}

/// Falls. After a crash nothing returns; after a freeze, this goes on when it is over.
///
/// # Errors
/// Why it still leads.
pub(super) async fn strike(kind: DrillKind, group: &GroupId, means: Means<'_>) -> Result<(), String> {
    match kind {
        DrillKind::Switchover => hand_over(group, means.inbox).await,
        DrillKind::Crash => {
            tracing::warn!("fire drill of {group}: this agent is killed now, by itself");
            kill_process(getpid(), Signal::KILL).map_err(|error| format!("cannot be killed: {error}"))
        }
        DrillKind::Freeze => freeze(group, means),
    }
}

async fn hand_over(group: &GroupId, inbox: &mpsc::Sender<Message>) -> Result<(), String> {
    let (reply, answer) = oneshot::channel();
    let request = Request::Switchover { group: group.clone(), to: None };
    let stopping = || String::from("the agent is stopping");
    inbox.send(Message::Request(request, reply)).await.map_err(|_| stopping())?;
    let answer = answer.await.map_err(|_| stopping())?;
    answer.map_err(|error| format!("it does not hand over: {error:?}"))
}

/// Another process stops this one and lets it go on: who is stopped cannot.
fn freeze(group: &GroupId, means: Means<'_>) -> Result<(), String> {
    let (pid, millis) = (std::process::id().to_string(), means.frozen.as_millis().to_string());
    tracing::warn!("fire drill of {group}: this agent stands still for {millis} ms");
    let mut hand = Command::new(means.exe);
    hand.args(["drill-freeze", &pid, &millis]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut hand = hand.spawn().map_err(|error| format!("{}: {error}", means.exe.display()))?;
    // It ends after us; somebody has to wait for it.
    std::thread::spawn(move || drop(hand.wait()));
    Ok(())
}

/// The other process: stops the agent `pid` for so long.
///
/// # Errors
/// When there is no such process, or it is not ours to stop.
pub fn freeze_for(pid: u32, time: Duration) -> std::io::Result<()> {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(std::io::ErrorKind::InvalidInput)?;
    // A number may be another process's by the time it is to go on; a handle never is.
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    pidfd_send_signal(&process, Signal::STOP)?;
    std::thread::sleep(time);
    Ok(pidfd_send_signal(&process, Signal::CONT)?)
}
