//! The stage on which the tests play: real guards, agents to be killed, a peer that hears the word, and a look at every
//! process of the machine that carries the mark of the test. Ends only what it started, by pid.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::ffi::OsString;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use hotseat_guard::{Answer, Command, Containment, Guard, Report, SessionId, Settings, Start, Word, ask, boottime};

/// Both ways to hold a tree; every fault is tried with each.
pub const BOTH: [Containment; 2] = [Containment::Auto, Containment::Tree];
/// A ceiling for whatever must happen; nothing is expected to come near it.
pub const SOON: Duration = Duration::from_secs(20);
const MARK: &str = "HOTSEAT_GUARD_TEST";

pub struct Stage {
    pub session: SessionId,
    pub containment: Containment,
    pub dir: tempfile::TempDir,
    peer: UdpSocket,
}

impl Stage {
    pub fn new(containment: Containment) -> Self {
        let mut session = [0; 16];
        getrandom::fill(&mut session).unwrap();
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        Self { session, containment, dir: tempfile::tempdir().unwrap(), peer }
    }

    pub fn hex(&self) -> String {
        self.session.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub fn settings(&self) -> Settings {
        let mut settings = Settings::new("lab", &self.hex()[..8], self.session);
        settings.containment = self.containment;
        settings.linger = Duration::from_millis(300);
        settings.peers = vec![self.peer.local_addr().unwrap()];
        settings
    }

    /// A command in a shell, carrying the mark, in the stage's directory.
    pub fn shell(&self, slot: u32, script: &str) -> Start {
        self.command(slot, &["sh", "-c", script])
    }

    pub fn command(&self, slot: u32, argv: &[&str]) -> Start {
        let path = std::env::var_os("PATH").unwrap();
        Start {
            slot,
            name: "stage".into(),
            argv: argv.iter().map(OsString::from).collect(),
            env: vec![("PATH".into(), path), (MARK.into(), self.hex().into())],
            cwd: Some(self.dir.path().into()),
        }
    }

    /// This process as the agent, with a deadline far away.
    pub fn hold(&self) -> Held {
        let held = self.hold_without_deadline();
        held.extend(Duration::from_secs(600));
        held
    }

    pub fn hold_without_deadline(&self) -> Held {
        self.hold_with(&self.settings())
    }

    pub fn hold_with(&self, settings: &Settings) -> Held {
        let guard = Guard::spawn(Path::new(GUARD), settings).unwrap();
        let mut held = Held { guard, hash: [0; 32], lines: None };
        match held.report() {
            Report::Hello { proof_hash, .. } => held.hash = proof_hash,
            other => panic!("no Hello: {other:?}"),
        }
        held
    }

    /// An agent of its own that runs `script`; returns once the script has said `ready`.
    pub fn agent(&self, deadline: Duration, script: &str) -> Agent {
        self.agent_with(deadline, script, &[])
    }

    /// As `agent`, with variables for the agent itself.
    pub fn agent_with(&self, deadline: Duration, script: &str, variables: &[(&str, &str)]) -> Agent {
        let mut command = std::process::Command::new(AGENT);
        command.arg(GUARD).arg(self.hex());
        command.arg(if self.containment == Containment::Tree { "tree" } else { "auto" });
        command.arg(self.peer.local_addr().unwrap().to_string());
        command.arg(deadline.as_millis().to_string()).args(["2000", "--", "sh", "-c", script]);
        command.env(MARK, self.hex()).envs(variables.iter().copied()).current_dir(self.dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let reports = BufReader::new(child.stdout.take().unwrap());
        let output = BufReader::new(child.stderr.take().unwrap());
        let mut agent = Agent { child, reports, output, guard: 0, keeper: 0, main: 0, hash: String::new() };
        agent.note_start();
        agent
    }

    /// Processes of this stage that are alive: by environment or by working directory, whatever their parent is. Not
    /// the agent, the guard and its keepers.
    pub fn alive(&self) -> Vec<(i32, String)> {
        let dir = self.dir.path().canonicalize().unwrap();
        let mark = format!("{MARK}={}", self.hex());
        let ours = |pid: &i32| {
            let proc = PathBuf::from(format!("/proc/{pid}"));
            let environ = std::fs::read(proc.join("environ")).unwrap_or_default();
            let marked = environ.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes());
            marked || std::fs::read_link(proc.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&dir))
        };
        let named = processes().into_iter().filter(ours).map(|pid| (pid, comm(pid)));
        named
            .filter(|(_, comm)| !comm.starts_with("seat-") && !comm.starts_with("agent-") && !comm.is_empty())
            .collect()
    }

    pub fn wait_until_dead(&self) {
        until("the tree is dead", || self.alive().is_empty());
    }

    /// The word as a peer hears it; at that instant nothing of the tree may be alive.
    pub fn hear(&self) -> Word {
        self.peer.set_read_timeout(Some(SOON)).unwrap();
        let mut datagram = [0; 256];
        let len = self.peer.recv(&mut datagram).expect("the word comes");
        assert_eq!(self.alive(), [], "alive when the word came");
        let word = Word::decode(&datagram[..len]).expect("a word");
        assert_eq!(word.session, self.session);
        word
    }

    /// Whether a word has come, without waiting for it.
    pub fn has_heard(&self) -> bool {
        self.has_heard_within(Duration::from_millis(1))
    }

    pub fn has_heard_within(&self, patience: Duration) -> bool {
        self.peer.set_read_timeout(Some(patience)).unwrap();
        self.peer.recv(&mut [0; 256]).is_ok()
    }

    pub fn ask(&self) -> Answer {
        ask(self.session, SOON)
    }

    /// The session's cgroups that exist.
    pub fn groups(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut level = vec![PathBuf::from("/sys/fs/cgroup")];
        while let Some(directory) = level.pop() {
            let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
            for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
                let is_ours = entry.file_name().to_string_lossy().ends_with(&self.hex());
                if is_ours { found.push(entry.path()) } else { level.push(entry.path()) }
            }
        }
        found
    }
}

impl Drop for Stage {
    /// A guard that was killed leaves its cgroup to the next agent of its node, of which there is none here.
    fn drop(&mut self) {
        let _ = hotseat_guard::sweep("lab", &self.hex()[..8]);
    }
}

/// A guard whose agent is this process. Dropping it ends the session, even in a test that fails.
pub struct Held {
    pub guard: Guard,
    pub hash: [u8; 32],
    lines: Option<BufReader<PipeReader>>,
}

impl Held {
    pub fn extend(&self, by: Duration) {
        let at = boottime() + u64::try_from(by.as_nanos()).unwrap();
        self.send(&Command::Deadline { at });
    }

    pub fn send(&self, command: &Command) {
        self.guard.send(command, None).unwrap();
    }

    /// Starts, with the output going to `line`.
    pub fn start(&mut self, start: Start) {
        let (reader, writer) = pipe().unwrap();
        self.guard.send(&Command::Start(start), Some(writer.as_fd())).unwrap();
        self.lines = Some(BufReader::new(reader));
    }

    /// The next line of the latest start's output; empty at its end.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.as_mut().unwrap().read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub fn report(&self) -> Report {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let soon = Timespec { tv_sec: SOON.as_secs().cast_signed(), tv_nsec: 0 };
        loop {
            if let Some(report) = self.guard.receive().expect("the guard is there") {
                return report;
            }
            let ready = poll(&mut [PollFd::new(&self.guard, PollFlags::IN)], Some(&soon)).unwrap();
            assert!(ready > 0, "waited too long for a report");
        }
    }

    /// The pid of the main process, after a start that succeeds.
    pub fn started(&self) -> i32 {
        match self.report() {
            Report::Started { pid, .. } => pid.cast_signed(),
            other => panic!("not started: {other:?}"),
        }
    }

    pub fn expect(&self, expected: &Report) {
        assert_eq!(self.report(), *expected);
    }

    pub fn guard_pid(&self) -> i32 {
        self.guard.pid().cast_signed()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.guard.send(&Command::End, None);
    }
}

/// An agent in a process of its own.
pub struct Agent {
    child: Child,
    reports: BufReader<ChildStdout>,
    output: BufReader<ChildStderr>,
    pub guard: i32,
    pub keeper: i32,
    pub main: i32,
    pub hash: String,
}

impl Agent {
    fn note_start(&mut self) {
        let hello = self.report();
        let words: Vec<&str> = hello.split(' ').collect();
        assert_eq!(words[0], "hello", "{hello}");
        self.guard = words[1].parse().unwrap();
        words[2].clone_into(&mut self.hash);
        let started = self.report();
        self.main = started.strip_prefix("started ").expect("started").parse().unwrap();
        self.keeper = parent(self.main).expect("the service has a parent");
        assert_eq!(parent(self.keeper), Some(self.guard));
        while self.output() != "ready" {}
    }

    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// What the guard reported next, as the agent prints it.
    pub fn report(&mut self) -> String {
        let mut line = String::new();
        self.reports.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub fn output(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the service has closed its output");
        line.trim_end().to_owned()
    }
}

impl Drop for Agent {
    /// Whom the test has stopped goes on, and ends by itself once the agent is dead.
    fn drop(&mut self) {
        for pid in [self.keeper, self.guard].into_iter().filter(|pid| comm(*pid).starts_with("seat-")) {
            signal(pid, rustix::process::Signal::CONT);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn signal(pid: i32, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
}

pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < SOON, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The two binaries that cargo builds for the tests.
pub const GUARD: &str = env!("CARGO_BIN_EXE_guard-under-test");
const AGENT: &str = env!("CARGO_BIN_EXE_agent-under-test");

pub fn processes() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The name of a process; empty for one that is dead, reaped or not.
pub fn comm(pid: i32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let (name, rest) = stat.rsplit_once(") ").unwrap_or(("", "X"));
    let dead = rest.starts_with('Z') || rest.starts_with('X');
    if dead { String::new() } else { name.split_once('(').unwrap().1.to_owned() }
}

pub fn parent(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Whether a real server is installed; where everything must be tested (CI=true) a missing one is a failure.
pub fn have(program: &str, package: &str) -> bool {
    let there = std::env::var("PATH").unwrap().split(':').any(|dir| PathBuf::from(dir).join(program).exists())
        || PathBuf::from("/usr/sbin").join(program).exists();
    assert!(there || std::env::var("CI").as_deref() != Ok("true"), "{program} is missing: install {package}");
    if !there {
        println!("skipped: needs {package}");
    }
    there
}
