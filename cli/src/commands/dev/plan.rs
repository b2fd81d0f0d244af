//! What `hotseat dev` is to run: the checked command line, and the `hotseat.toml` of each node. It starts nothing.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::args::Dev;
use crate::commands::Failed;

/// What the cluster is called.
pub(super) const CLUSTER: &str = "dev";

/// A clean stop of a server may take this long; then its whole tree is killed.
const STOP_SECONDS: u64 = 3;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) nodes: usize,
    pub(super) group: String,
    pub(super) command: Vec<String>,
    /// The built-in demo, which knows its role.
    pub(super) demo: bool,
    pub(super) hot: bool,
    /// Whether the server listens, so that there is a proxy and a probe.
    pub(super) served: bool,
    pub(super) timing: String,
}

impl Plan {
    /// Checks what was asked for; a program that is not there is said at once.
    pub(super) fn new(args: &Dev) -> Result<Self, Failed> {
        let demo = args.command.is_empty();
        let command = if demo { demo_command()? } else { args.command.clone() };
        find(&command[0])?;
        let served = command.iter().any(|argument| argument.contains("{port}"));
        let group = if demo { String::from("demo") } else { group_id(&command[0]) };
        let hot = args.standby.as_deref().map_or(served, |standby| standby == "hot");
        Ok(Self { nodes: usize::from(args.nodes), group, command, demo, hot, served, timing: args.timing.clone() })
    }

    /// The lease's ttl.
    pub(super) fn ttl(&self) -> Duration {
        Duration::from_millis(if self.timing == "lan" { 2000 } else { 500 })
    }

    /// The file of one node.
    pub(super) fn config(&self, folder: &Path, name: &str, listen: u16, service: Option<u16>) -> String {
        let data_dir = quoted(&folder.join(name).display().to_string());
        let command: Vec<_> = self.command.iter().map(|argument| quoted(argument)).collect();
        let mut text = format!(
            "# Written by hotseat dev.\n\
             [cluster]\nname   = \"{CLUSTER}\"\nstore  = \"raft\"\ntiming = \"{}\"\n\n\
             [node]\nname     = \"{name}\"\nlisten   = \"127.0.0.1:{listen}\"\ndata_dir = {data_dir}\nsupervised = true\n\n\
             [[group]]\nid = \"{}\"\n# It is there to be killed, again and again.\nhold_max = \"0s\"\n\n[group.service]\ncommand = [{}]\nstandby = \"{}\"\n\
             stop    = {{ signal = \"TERM\", timeout = \"{STOP_SECONDS}s\" }}\n",
            self.timing,
            self.group,
            command.join(", "),
            if self.hot { "hot" } else { "cold" },
        );
        if let Some(port) = service {
            let _infallible = writeln!(text, "port    = {port}");
        }
        if self.demo {
            text += "ready   = { http = \"/healthz\" }\n";
            text += "health  = { http = \"/healthz\", interval = \"500ms\", timeout = \"500ms\", max_check_attempts = 3 }\n";
        }
        text
    }
}

fn demo_command() -> Result<Vec<String>, Failed> {
    let exe = std::env::current_exe()?.display().to_string();
    Ok([exe.as_str(), "demo-service", "--port", "{port}"].map(String::from).into())
}

/// TOML's basic strings escape as JSON's do.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// The program's name, as far as it is a name.
fn group_id(program: &str) -> String {
    let base = Path::new(program).file_name().map(|base| base.to_string_lossy().into_owned()).unwrap_or_default();
    let plain: String = base.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).take(63).collect();
    let plain = plain.trim_start_matches('.');
    String::from(if plain.is_empty() { "service" } else { plain })
}

fn find(program: &str) -> Result<(), Failed> {
    let runs = |path: &Path| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return match (Path::new(program).exists(), runs(Path::new(program))) {
            (_, true) => Ok(()),
            (true, false) => Err(Failed::new(format!("\"{program}\" is not a program that may be executed"))),
            (false, _) => Err(Failed::new(format!("there is no program \"{program}\""))),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found: Option<PathBuf> = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|it| runs(it));
    found.map(|_| ()).ok_or_else(|| {
        Failed::new(format!(
            "command not found: \"{program}\" is nowhere in PATH\n       \
             Say it as you would in a shell: hotseat dev -- python3 -m http.server {{port}}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_named_after_its_program() {
        let check = |program: &str, expected: &str| assert_eq!(group_id(program), expected);
        check("python3", "python3");
        check("/usr/bin/redis-server", "redis-server");
        check("./a b", "ab");
        check("..", "service");
        check(".hidden", "hidden");
    }

    #[test]
    fn what_is_written_can_be_read() {
        let command = ["my \"server\"", "--port={port}", "{\"a\": \"\\n\n\"}"].map(String::from).to_vec();
        let plan = Plan {
            nodes: 1,
            group: String::from("g"),
            command: command.clone(),
            demo: true,
            hot: true,
            served: true,
            timing: String::from("fast"),
        };
        let text = plan.config(Path::new("/tmp/a \"b\""), "n1", 7701, Some(9000));
        let read = hotseat_agent::config::Config::parse("n1.toml", &text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read.groups[0].service.command, command);
        assert_eq!(read.cluster.timing.ttl(), plan.ttl());
    }
}
