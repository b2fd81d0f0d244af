//! `hotseat snapshot`: the cluster's own state as a file, and a new cluster from such a file.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use super::{Failed, Result, explain, init, small_runtime};
use crate::args::Snapshot;
use crate::say::say_line;

pub(crate) fn run(args: &Snapshot) -> Result {
    match args {
        Snapshot::Save { file, target, json } => {
            let bytes = small_runtime()?.block_on(async {
                let client = target.client()?;
                client.snapshot().await.map_err(explain)
            })?;
            write(file, &bytes)?;
            let length = bytes.len();
            say_line(if *json {
                serde_json::json!({"file": file, "bytes": length}).to_string()
            } else {
                format!("{}: {length} bytes", file.display())
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Snapshot::Restore { file, beginning } => {
            let bytes = fs::read(file).map_err(|error| Failed::new(format!("{}: {error}", file.display())))?;
            init::run(beginning, Some(&bytes))
        }
    }
}

/// Never over another file: the last good snapshot may be the only one. It holds what the cluster keeps, hashes of tokens
/// and files among it: for its owner's eyes.
fn write(file: &Path, bytes: &[u8]) -> std::result::Result<(), Failed> {
    let private = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let written = private.and_then(|mut to| {
        to.write_all(bytes)?;
        to.sync_all()
    });
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            let file = file.display();
            Failed::new(format!("{file} is there already, and a snapshot is never written over: name another file"))
        }
        _ => Failed::new(format!("{}: {error}", file.display())),
    })
}
