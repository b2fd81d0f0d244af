//! A command: the alert as JSON on its standard input, its facts in the environment, its exit code the answer.
//!
//! It is started as `hotseat alert-child PID COMMAND`, which asks the kernel to be killed with the agent, and then
//! becomes it. It is none of the guard's: it runs also where no session does, and nothing waits for its death.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use hotseat_client::Alert;
use rustix::process::{Pid, Signal, getppid, kill_process_group, set_parent_process_death_signal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::{WORDS_MAX, hook};

/// The word by which `hotseat` becomes a command.
pub const CHILD: &str = "alert-child";

/// As shells have it: it could not be started, it is not there.
const NOT_STARTED: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Runs it to its end.
pub(super) async fn send(exe: &Path, command: &[String], alert: &Alert) -> Result<String, String> {
    let mut program = Command::new(exe);
    program.arg(CHILD).arg(std::process::id().to_string()).args(command);
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    program.process_group(0).kill_on_drop(true).envs(environment(alert));
    let mut child = program.spawn().map_err(|error| error.to_string())?;
    // What it has started ends with it, also when this try takes too long and is dropped.
    let _tree = Tree(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    let words = run(&mut child, hook::webhook(alert).to_string()).await?;
    let status = child.wait().await.map_err(|error| error.to_string())?;
    let answer = format!("{status} {words}");
    if status.success() { Ok(answer) } else { Err(answer) }
}

/// Gives it the alert, and reads the beginning of what it says.
async fn run(child: &mut Child, alert: String) -> Result<String, String> {
    let (Some(mut input), Some(mut output), Some(mut errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(String::from("its pipes are gone"));
    };
    let give = async move {
        // Who does not read it does not need it.
        drop(input.write_all(alert.as_bytes()).await);
    };
    let ((), said, complained) = tokio::join!(give, beginning(&mut output), beginning(&mut errors));
    Ok(if complained.is_empty() { said } else { complained })
}

/// Reads to the end, or a full pipe would stop it, and keeps the beginning.
async fn beginning(from: &mut (impl AsyncReadExt + Unpin)) -> String {
    let (mut kept, mut piece) = (Vec::new(), [0; 1024]);
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        let room = WORDS_MAX.saturating_sub(kept.len());
        kept.extend_from_slice(&piece[..length.min(room)]);
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

fn environment(alert: &Alert) -> [(&'static str, String); 9] {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        ("HOTSEAT_ALERT_ID", alert.id.clone()),
        ("HOTSEAT_ALERT_RULE", alert.rule.clone()),
        ("HOTSEAT_ALERT_STATE", alert.state.clone()),
        ("HOTSEAT_ALERT_SEVERITY", alert.severity.clone()),
        ("HOTSEAT_ALERT_TEXT", alert.text.clone()),
        ("HOTSEAT_CLUSTER", alert.cluster.clone()),
        ("HOTSEAT_GROUP", or_empty(&alert.group)),
        ("HOTSEAT_NODE", or_empty(&alert.node)),
        ("HOTSEAT_EPOCH", alert.epoch.map(|epoch| epoch.to_string()).unwrap_or_default()),
    ]
}

/// A process group that is killed when nobody waits for it any more.
struct Tree(Option<Pid>);

impl Drop for Tree {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It is gone already if all went well.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// What `hotseat alert-child PID COMMAND` does: becomes the command, to be killed when the agent `PID` is. Returns only if
/// it cannot.
#[must_use]
pub fn become_command() -> ExitCode {
    let mut words = std::env::args_os().skip(2);
    let (Some(agent), Some(program)) = (words.next(), words.next()) else { return ExitCode::from(NOT_STARTED) };
    let asked = set_parent_process_death_signal(Some(Signal::KILL));
    // It may have died before the kernel was asked.
    let here = getppid().is_some_and(|parent| agent.to_str() == Some(&parent.as_raw_nonzero().to_string()));
    if asked.is_err() || !here {
        eprintln!("{CHILD} is said by an agent only");
        return ExitCode::from(NOT_STARTED);
    }
    let error = std::process::Command::new(&program).args(words).exec();
    eprintln!("{}: {error}", program.display());
    ExitCode::from(NOT_FOUND)
}
