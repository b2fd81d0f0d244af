//! The folder of one `hotseat dev`, and the cleaner that removes it.
//!
//! The cleaner is a process of its own that waits for this one to end, however it ends: it sees to it that
//! nothing that was started here is left, and then removes the folder. It never touches anything else.

use std::fs::{self, DirBuilder};
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use super::remains;
use crate::args::DevCleaner;
use crate::commands::Failed;

/// Shared memory first: every node has its part of the store here, and syncing it costs nothing there.
const BASES: [&str; 2] = ["/dev/shm", "/tmp"];

/// Services may take their time to stop, and guards linger a moment after their word.
const PATIENCE: Duration = Duration::from_secs(12);

/// Between two looks at what is left.
const PACE: Duration = Duration::from_millis(20);

/// What the cleaner reads when the folder is to stay.
const KEEP: &str = "keep";

/// See the module.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    cleaner: Child,
}

impl Folder {
    /// Makes the folder and starts its cleaner.
    pub(super) fn new() -> Result<Self, Failed> {
        let path = make()?;
        let started = Command::new(std::env::current_exe()?)
            .arg("dev-cleaner")
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of reach of the terminal's Ctrl-C.
            .process_group(0)
            .spawn();
        match started {
            Ok(cleaner) => Ok(Self { path, cleaner }),
            Err(error) => {
                drop(fs::remove_dir_all(&path));
                Err(Failed::new(format!("the cleaner cannot be started: {error}")))
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until everything is gone. The folder stays if it is to be kept.
    pub(super) fn close(mut self, keep: bool) {
        if let Some(mut stdin) = self.cleaner.stdin.take()
            && keep
        {
            drop(stdin.write_all(KEEP.as_bytes()));
        }
        drop(self.cleaner.wait());
    }
}

fn make() -> Result<PathBuf, Failed> {
    let mut why = String::new();
    let given = std::env::var_os("TMPDIR").map(PathBuf::from);
    for base in BASES.iter().map(PathBuf::from).chain(given) {
        let path = base.join(format!("hotseat-dev-{}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) => why += &format!("\n       {}: {error}", path.display()),
        }
    }
    Err(Failed::new(format!("no folder for temporary files can be made; set TMPDIR to one that is writable{why}")))
}

/// `hotseat dev-cleaner FOLDER`.
pub(crate) fn clean(args: &DevCleaner) -> crate::commands::Result {
    let mut word = String::new();
    // Ends when `dev` has ended, or says so.
    drop(std::io::stdin().read_to_string(&mut word));
    let started = Instant::now();
    while !remains::of(&args.folder).is_empty() {
        if started.elapsed() > PATIENCE {
            remains::kill(&args.folder);
        }
        std::thread::sleep(PACE);
    }
    if word != KEEP {
        drop(fs::remove_dir_all(&args.folder));
    }
    Ok(ExitCode::SUCCESS)
}
