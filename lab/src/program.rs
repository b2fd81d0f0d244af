//! The programs that tests start: the built binary, and servers that may or may not be installed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The built `hotseat`: `$HOTSEAT_BIN`, or the one in the target folder this test was built into.
///
/// Fails with what to do when there is none.
#[must_use]
pub fn hotseat() -> PathBuf {
    if let Some(path) = std::env::var_os("HOTSEAT_BIN") {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "HOTSEAT_BIN={} is not there", path.display());
        return std::path::absolute(path).unwrap();
    }
    built("hotseat").unwrap_or_else(|| panic!("hotseat is not built beside this test: cargo build -p hotseat"))
}

/// The laboratory's own service, which writes to its registers.
#[must_use]
pub fn service() -> PathBuf {
    built("hotseat-lab-service").expect("cargo builds it with every test of this crate")
}

/// The laboratory's program that links the client and campaigns.
#[must_use]
pub fn candidate() -> PathBuf {
    built("hotseat-lab-candidate").expect("cargo builds it with every test of this crate")
}

/// In the target folder this program was built into: target/PROFILE/deps/TEST, or target/PROFILE/BENCH.
fn built(name: &str) -> Option<PathBuf> {
    let this = std::env::current_exe().unwrap();
    this.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Where a program is: on the `PATH`, or where distributions keep servers.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| path.exists());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")]);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Whether a program is there. Where everything has to be tested (`CI=true`) a missing one is a failure;
/// elsewhere the test says what it skipped.
#[must_use]
pub fn have(program: &str, package: &str) -> bool {
    let there = find(program).is_some();
    assert!(there || std::env::var("CI").as_deref() != Ok("true"), "{program} is missing: install {package}");
    if !there {
        println!("skipped: needs {package}");
    }
    there
}

/// Whether this is root, as faults on mounts and other users' servers need.
#[must_use]
pub fn root() -> bool {
    let root = rustix::process::geteuid().is_root();
    assert!(root || std::env::var("CI").as_deref() != Ok("true"), "this has to run as root");
    if !root {
        println!("skipped: needs root");
    }
    root
}

/// What a command that has ended said.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// How long it ran.
    pub took: Duration,
}

/// Runs a program to its end.
pub fn run(program: &Path, args: &[&str]) -> Ended {
    let start = Instant::now();
    let mut command = Command::new(program);
    let output = command.args(args).env_remove("RUST_LOG").output();
    let output = output.unwrap_or_else(|error| panic!("{} {args:?}: {error}", program.display()));
    Ended {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        took: start.elapsed(),
    }
}
