//! A running `hotseat dev` and what it has said so far.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Far longer than anything here takes on a busy machine.
const CEILING: Duration = Duration::from_secs(90);

/// See the module. Killed when it is dropped.
pub(crate) struct Dev {
    child: Child,
    lines: Receiver<String>,
    stderr: Option<ChildStderr>,
    text: String,
}

impl Dev {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotseat"));
        command.arg("dev").args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("hotseat starts");
        let stdout = child.stdout.take().expect("it is piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { stderr: child.stderr.take(), child, lines, text: String::new() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Reads on until a line holds this.
    pub(crate) fn wait_for(&mut self, words: &str) {
        let started = Instant::now();
        while !self.text.contains(words) {
            let left = CEILING.saturating_sub(started.elapsed());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.text += &(line + "\n"),
                Err(why) => {
                    let errors = self.errors();
                    panic!("no \"{words}\" ({why}) in:\n{}\n{errors}", self.text)
                }
            }
        }
    }

    /// The first number that follows these words.
    pub(crate) fn number_after(&self, words: &str) -> u32 {
        let rest = self.text.split(words).nth(1).expect("the words are there");
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect("a number follows")
    }

    /// Waits for the end, and reads what there is to read.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let started = Instant::now();
        while let Ok(line) = self.lines.recv_timeout(CEILING.saturating_sub(started.elapsed())) {
            self.text += &(line + "\n");
        }
        self.child.wait().expect("it can be waited for")
    }

    pub(crate) fn errors(&mut self) -> String {
        drop(self.child.kill());
        let mut errors = String::new();
        if let Some(mut stderr) = self.stderr.take() {
            drop(stderr.read_to_string(&mut errors));
        }
        errors
    }

    fn folder(&self) -> PathBuf {
        let rest = self.text.split("logs ").nth(1).expect("it says where the logs are");
        PathBuf::from(rest.split("/n*.log").next().expect("a path").trim())
    }

    pub(crate) fn nothing_is_left(&self) {
        self.nothing_is_left_within(Duration::ZERO);
    }

    /// Neither the folder nor a process that was started there.
    pub(crate) fn nothing_is_left_within(&self, limit: Duration) {
        let (folder, started) = (self.folder(), Instant::now());
        let mark = format!("_HOTSEAT_DEV={}\0", folder.display());
        loop {
            let left = processes_with(&mark);
            match (folder.exists(), left.is_empty()) {
                (false, true) => return,
                _ if started.elapsed() < limit => std::thread::sleep(Duration::from_millis(20)),
                (exists, _) => panic!("folder {} exists: {exists}; processes: {left:?}", folder.display()),
            }
        }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn processes_with(mark: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").expect("there is /proc").filter_map(Result::ok);
    let marked = entries.filter(|entry| {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        environment.windows(mark.len()).any(|window| window == mark.as_bytes())
    });
    marked.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

pub(crate) fn kill(pid: u32) {
    signal("-KILL", pid);
}

pub(crate) fn terminate(pid: u32) {
    signal("-TERM", pid);
}

fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args([name, &pid.to_string()]).status().expect("kill runs");
    assert!(status.success(), "kill {name} {pid}");
}
