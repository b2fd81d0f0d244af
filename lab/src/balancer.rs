//! Real load balancers in front of a cluster, with the very files that `hotseat config render` prints, and a client that
//! goes through them and says who was reached: the leader, or somebody whom no request should have reached.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::http;
use crate::net::Host;
use crate::observer::Timeline;
use crate::rivals::Foreign;

/// A client gives up after this, and asks anew.
const LIMIT: Duration = Duration::from_secs(2);

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A load balancer. Dropped, it and all that it has started are dead.
#[derive(Debug)]
pub struct Balancer {
    program: Foreign,
    name: &'static str,
    folder: TempDir,
}

impl Balancer {
    /// `HAProxy` with this file, on this host. Fails if it does not take it as it is.
    #[must_use]
    pub fn haproxy(host: &Host, file: &str) -> Self {
        let folder = write("haproxy", file);
        let path = folder.path().join("file");
        accepts(host, Command::new("haproxy").args(["-c", "-f"]).arg(&path));
        Self::start("haproxy", host, folder, Command::new("haproxy").args(["-db", "-f"]).arg(&path))
    }

    /// nginx with this file, on this host. Only where it logs and keeps its pid is its own.
    #[must_use]
    pub fn nginx(host: &Host, file: &str) -> Self {
        let folder = write("nginx", &file.replacen("http {", "http {\n    access_log off;", 1));
        let path = folder.path().join("file");
        let own = format!("pid {};", folder.path().join("pid").display());
        let command = |more: &str| {
            let mut command = Command::new("nginx");
            command.args(["-e", "stderr", "-g", &format!("{own} {more}"), "-c"]).arg(&path);
            command
        };
        accepts(host, command("").arg("-t"));
        Self::start("nginx", host, folder, &mut command("daemon off;"))
    }

    /// keepalived with this file, on this host.
    #[must_use]
    pub fn keepalived(host: &Host, file: &str) -> Self {
        let folder = write("keepalived", file);
        accepts(host, Command::new("keepalived").args(["--log-console", "-t", "-f"]).arg(folder.path().join("file")));
        let mut command = Command::new("keepalived");
        command.args(["--dont-fork", "--log-console", "--vrrp", "--use-file", "file"]);
        command.args(["--pid", "pid", "--vrrp_pid", "vrrp.pid"]);
        Self::start("keepalived", host, folder, &mut command)
    }

    fn start(name: &'static str, host: &Host, folder: TempDir, command: &mut Command) -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mark = format!("lab-{}-balancer{count}/{name}", std::process::id());
        let program = Foreign::start(host, &mark, folder.path(), command);
        Self { program, name, folder }
    }

    /// Kills it, with all its processes.
    pub fn kill(&self) -> Instant {
        self.program.signal(self.name, Signal::KILL)
    }

    /// What it has said.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.name, self.log());
        }
    }
}

fn write(name: &str, file: &str) -> TempDir {
    let folder = tempfile::Builder::new().prefix(&format!("hotseat-lab-{name}-")).tempdir_in("/dev/shm").unwrap();
    std::fs::write(folder.path().join("file"), file).unwrap();
    folder
}

/// The program's own judgement of its file.
fn accepts(host: &Host, command: &mut Command) {
    let output = host.within(|| command.output()).unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
}

/// Asks through a balancer: the leader's epoch, or 0 when somebody answered who does not lead. `None` when nobody did.
#[must_use]
pub fn through(to: SocketAddr) -> Option<u64> {
    let answer = http::ask(to, "GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n", LIMIT).ok()?;
    match (answer.status, answer.body.as_str()) {
        (200, body) => serde_json::from_str::<serde_json::Value>(body).ok()?["epoch"].as_u64(),
        (503, "standby\n") => Some(0),
        _ => None,
    }
}

/// Fails if a request reached somebody who does not lead, other than while the balancer had not yet seen a switch: the
/// time between the last answer of one epoch and the first of the next.
pub fn check_reached(seen: &Timeline) {
    let mut newest = 0;
    let mut astray = 0_u32;
    for answer in &seen.answers {
        match answer.epoch {
            0 => astray += 1,
            epoch => {
                assert!(epoch >= newest, "epoch {epoch} answered after {newest}\n{seen}");
                let switched = epoch > newest && newest > 0;
                assert!(astray == 0 || switched, "{astray} requests went astray in epoch {epoch}\n{seen}");
                if astray > 0 {
                    println!("{astray} requests reached the old one before the switch to epoch {epoch} was seen");
                }
                (newest, astray) = (epoch, 0);
            }
        }
    }
    assert!(newest > 0, "nobody was reached");
    assert_eq!(astray, 0, "requests went astray after epoch {newest}\n{seen}");
}
