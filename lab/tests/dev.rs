//! `hotseat dev` as people try it: agents are killed, the story says what became of it, and nothing is left behind.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use hotseat_lab::{processes, program};
use rustix::process::Signal;

/// A line that has not come by then never will, however loaded the machine is.
const LINE_LIMIT: Duration = Duration::from_secs(60);

/// A running `hotseat dev`, with what it has said so far.
struct Dev {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Dev {
    /// Starts it, and waits until it has told what to try.
    fn start() -> Self {
        let mut command = Command::new(program::hotseat());
        command.args(["dev", "--port", "0"]).env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        let mut dev = Self { child, lines, said: Vec::new() };
        dev.hear("curl");
        dev
    }

    /// Waits for a line that holds this.
    fn hear(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(LINE_LIMIT) else {
                panic!("it never said \"{text}\", but:\n{}", self.said.join("\n"));
            };
            self.said.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The agent of a node: the last process in its row.
    fn agent(&self, node: &str) -> i32 {
        let row = self.said.iter().find(|line| line.trim_start().starts_with(&format!("{node} "))).unwrap();
        let words = row.rsplit("pid ").next().unwrap().split_whitespace().next();
        words.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no process in: {row}"))
    }

    fn kill(&self, node: &str) {
        processes::signal(self.agent(node), Signal::KILL);
    }

    fn folder(&self) -> PathBuf {
        let logs = self.said.iter().find_map(|line| line.trim_start().strip_prefix("logs")).unwrap();
        PathBuf::from(logs.trim()).parent().unwrap().to_owned()
    }

    /// Ends it as Ctrl-C does; then nothing of it may be left.
    fn end(mut self) {
        let folder = self.folder();
        assert!(folder.is_dir() && !below(&folder).is_empty(), "this finds nothing even while it runs");
        processes::signal(self.child.id().try_into().unwrap(), Signal::INT);
        self.hear("GET / through the proxy:");
        assert!(self.child.wait().unwrap().success());
        assert_eq!(below(&folder), [] as [i32; 0]);
        assert!(!folder.exists(), "{} is left", folder.display());
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // Its cleaner sees to the rest.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The processes that were started for this folder.
fn below(folder: &std::path::Path) -> Vec<i32> {
    let mark = format!("_HOTSEAT_DEV={}", folder.display());
    let marked = |pid: &i32| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    processes::numbers().into_iter().filter(marked).collect()
}

#[test]
fn a_killed_leader_is_told_of_and_nothing_is_left() {
    let mut dev = Dev::start();
    assert!(dev.said.iter().any(|line| line.contains("store raft")), "{:?}", dev.said);
    assert!(
        dev.said.iter().any(|line| line.trim_start().starts_with("voters") && line.contains(" 3/3 ")),
        "{:?}",
        dev.said
    );
    dev.kill("n1");
    let told = dev.hear("epoch 2");
    assert!(told.contains("n1 lost (agent killed"), "{told}");
    assert!(told.contains("→ n2 leads") || told.contains("→ n3 leads"), "{told}");
    assert!(told.contains("clients waited"), "{told}");
    dev.hear("n1 is back");
    dev.end();
}

#[test]
fn without_a_majority_it_says_so_and_recovers() {
    let mut dev = Dev::start();
    dev.kill("n1");
    dev.kill("n2");
    dev.hear("no majority is left (n3 of 3 voters)");
    dev.hear("a majority is back");
    dev.hear("epoch 2");
    dev.end();
}
