//! One node of `hotseat dev`: its agent, a real process, started again when it dies, as systemd would.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};

use super::News;
use super::remains::{self, MARK};

/// Before an agent that died is started again.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// A clean stop takes no longer than the service's own and a few store calls; then the agent is killed.
const STOP_LIMIT: Duration = Duration::from_secs(8);

/// An agent that is frozen for so long is killed: time enough to see it, and to thaw it by hand.
const HANG_LIMIT: Duration = Duration::from_secs(10);
const HANG_LOOK: Duration = Duration::from_millis(250);

/// What one node is made of.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: usize,
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) folder: PathBuf,
}

/// How far the end has come, for everybody's nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Running,
    Stopping,
    Killing,
}

/// How an agent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        Self { code: status.code(), signal: status.signal() }
    }
}

impl Node {
    pub(super) fn config(&self) -> PathBuf {
        self.folder.join(format!("{}.toml", self.name))
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Keeps the agent running until the phase says otherwise; then waits for its end.
    pub(super) async fn tend(self, exe: PathBuf, news: mpsc::Sender<News>, mut phase: watch::Receiver<Phase>) {
        while *phase.borrow() == Phase::Running {
            match self.spawn(&exe) {
                Ok(child) => {
                    let pid = child.id().unwrap_or(0);
                    drop(news.send(News::Started { place: self.place, pid }).await);
                    let ended = follow(child, &mut phase).await;
                    drop(news.send(News::Ended { place: self.place, ended }).await);
                }
                Err(error) => drop(news.send(News::NoAgent { place: self.place, why: error.to_string() }).await),
            }
            let stops = phase.wait_for(|phase| *phase > Phase::Running);
            drop(tokio::time::timeout(RESTART_AFTER, stops).await);
        }
    }

    fn spawn(&self, exe: &Path) -> io::Result<Child> {
        let log: File = OpenOptions::new().create(true).append(true).open(self.log())?;
        let mut command = Command::new(exe);
        command.arg("run").arg("-c").arg(self.config()).arg("--stop-on-stdin-eof");
        command.env(MARK, &self.folder).env("NO_COLOR", "1").env_remove("HOTSEAT_URL");
        // The pipe closes when this process ends, however it ends: that stops the agent.
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        command.process_group(0).spawn()
    }
}

async fn follow(mut child: Child, phase: &mut watch::Receiver<Phase>) -> Option<Ended> {
    let stdin = child.stdin.take();
    let early = tokio::select! {
        ended = lives(&mut child) => Some(ended),
        _ = phase.wait_for(|phase| *phase > Phase::Running) => None,
    };
    drop(stdin);
    let ended = match early {
        Some(ended) => ended,
        None => stopped(&mut child, phase).await,
    };
    ended.ok().map(Ended::from)
}

/// Waits for the end of an agent. One that hangs for too long is killed, as systemd's watchdog would; its service
/// is long dead by then, because its guard does not wait for it.
async fn lives(child: &mut Child) -> io::Result<ExitStatus> {
    let pid = child.id().unwrap_or(0);
    tokio::select! {
        ended = child.wait() => return ended,
        () = hangs(pid) => {}
    }
    child.start_kill()?;
    child.wait().await
}

async fn hangs(pid: u32) {
    let mut frozen = Duration::ZERO;
    while frozen < HANG_LIMIT {
        tokio::time::sleep(HANG_LOOK).await;
        frozen = if remains::is_frozen(pid) { frozen + HANG_LOOK } else { Duration::ZERO };
    }
}

async fn stopped(child: &mut Child, phase: &mut watch::Receiver<Phase>) -> io::Result<ExitStatus> {
    let deaf = child.id().is_some_and(remains::is_frozen);
    let limit = if deaf { Duration::ZERO } else { STOP_LIMIT };
    tokio::select! {
        ended = tokio::time::timeout(limit, child.wait()) => if let Ok(ended) = ended { return ended },
        _ = phase.wait_for(|phase| *phase == Phase::Killing) => {}
    }
    // Its guard kills the service with it.
    child.start_kill()?;
    child.wait().await
}
