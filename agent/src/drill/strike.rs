//! How a leader falls for a drill. Each is what it looks like: the ordinary path has to cope with it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use hotseat_client::{DrillKind, DrillUnderWay};
use hotseat_core::GroupId;
use rustix::process::{Pid, Signal, getpid, kill_process};

use crate::orders::{Objection, Orders, Verb};

/// Tries of the order for a switchover, each as long as an answer of the store may take: to ask again does no harm.
const TRIES: u32 = 3;

/// What a fall needs.
pub(super) struct Means<'a> {
    /// The program, which also has the hand that thaws.
    pub(super) exe: &'a Path,
    /// Where acts are taken.
    pub(super) orders: &'a Orders,
    /// How long a freeze lasts: longer than any lease.
    pub(super) frozen: Duration,
}

/// Falls. After a crash nothing returns; after a freeze, this goes on when it is over.
///
/// # Errors
/// Why it still leads.
pub(super) async fn strike(drill: &DrillUnderWay, group: &GroupId, means: Means<'_>) -> Result<(), String> {
    match drill.order.kind {
        DrillKind::Switchover => hand_over(drill, group, means.orders).await,
        DrillKind::Crash => {
            tracing::warn!("fire drill of {group}: this agent is killed now, by itself");
            kill_process(getpid(), Signal::KILL).map_err(|error| format!("cannot be killed: {error}"))
        }
        DrillKind::Freeze => freeze(group, means),
    }
}

/// An act as any other, asked for by whoever asked for the drill.
async fn hand_over(drill: &DrillUnderWay, group: &GroupId, orders: &Orders) -> Result<(), String> {
    let verb = Verb::Switchover { to: None, epoch: Some(drill.epoch) };
    let reason = drill.order.reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    let reason = format!("fire drill {}{reason}", drill.id);
    for _ in 0..TRIES {
        let acted = match orders.act(group, &verb, &drill.who, Some(reason.clone())).await {
            Err(Objection::Later(why)) => {
                tracing::warn!("fire drill of {group}: {why}");
                continue;
            }
            Err(Objection::Unknown(why) | Objection::Conflict(why)) => return Err(why),
            Ok(acted) => acted,
        };
        let Some(act) = acted.act else { return Ok(()) };
        return match orders.word(group, act.id).await {
            Some(outcome) if !outcome.ok => Err(outcome.text),
            Some(_) | None => Ok(()),
        };
    }
    // It may have been taken all the same: whoever watches sees what comes of it.
    Ok(())
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
