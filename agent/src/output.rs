//! Where the output of services and hooks goes: the agent's log, line by line, a file, or what was given for it.
//!
//! A service never waits for us: a file is written by the service itself; lines for the log are drained by a
//! task of their own, whatever the log does.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::unix::pipe;

/// A line longer than this is cut into several.
const LINE_MAX: u64 = 8 * 1024;

/// Where to.
#[derive(Clone, Debug, Default)]
pub enum Target {
    /// The agent's log.
    #[default]
    Log,
    /// The end of this file.
    File(PathBuf),
    /// This very descriptor.
    Given(Arc<OwnedFd>),
}

/// Opens the descriptor that a program writes to.
///
/// # Errors
/// When the file cannot be opened, or descriptors are out.
pub fn open(name: &str, target: Target) -> io::Result<OwnedFd> {
    match target {
        Target::Given(given) => given.try_clone(),
        Target::File(path) => {
            let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
            let file: File = OpenOptions::new().create(true).append(true).open(&path).map_err(named)?;
            Ok(file.into())
        }
        Target::Log => {
            let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
            rustix::io::ioctl_fionbio(&read, true)?;
            tokio::spawn(drain(name.to_owned(), pipe::Receiver::from_owned_fd(read)?));
            Ok(write)
        }
    }
}

/// Logs what comes. Ends when every process that holds the other end has ended.
async fn drain(name: String, read: pipe::Receiver) {
    let mut read = BufReader::new(read);
    let mut line = Vec::new();
    loop {
        line.clear();
        let taken = (&mut read).take(LINE_MAX).read_until(b'\n', &mut line).await;
        if !matches!(taken, Ok(length) if length > 0) {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        tracing::info!(target: "service", "{name} | {}", text.trim_end().escape_debug());
    }
}
