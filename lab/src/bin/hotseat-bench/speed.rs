//! How fast the simulator is, by its own account.

use std::process::Command;

use crate::progress::Progress;

/// What the simulator said, and the number in it.
#[derive(Clone, Debug)]
pub(crate) struct Speed {
    /// Simulated seconds per second of one core.
    pub(crate) rate: Option<f64>,
    pub(crate) said: String,
}

/// Builds it, if it is not, and asks; `None` where there is no simulator to build.
pub(crate) fn measure() -> Option<Speed> {
    let progress = Progress::begin("the simulator");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["run", "--release", "--quiet", "-p", "hotseat-sim", "--", "speed"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().ok().filter(|output| output.status.success());
    let Some(output) = output else {
        progress.end("it does not run here");
        return None;
    };
    let text = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    let said = text.lines().rev().find(|line| rate(line).is_some()).unwrap_or_default().trim().to_owned();
    progress.end(&said);
    Some(Speed { rate: rate(&text), said })
}

/// The number before `per second of one core`.
fn rate(text: &str) -> Option<f64> {
    let (before, _) = text.split_once(" per second of one core")?;
    before.split_ascii_whitespace().next_back()?.replace([',', '_'], "").parse().ok()
}
