//! Running `hotseat lock` beside a cluster, and finding what belongs to it. It judges nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use hotseat_lab::processes::{look, numbers, signal};
use hotseat_lab::spec::Store;
use hotseat_lab::{CEILING, Cluster, Node, Spec, poll, program};
use rustix::process::Signal;

/// Agents that a lock can go through; what they run besides does not matter.
pub(crate) fn cluster(nodes: usize) -> Cluster {
    Cluster::settled(Spec::demo().nodes(nodes))
}

/// One that agrees in a directory, and one whose nodes agree among themselves: three each.
pub(crate) fn both_kinds() -> impl Iterator<Item = Cluster> {
    [Store::Dir, Store::Raft].into_iter().map(|store| Cluster::settled(Spec::demo().store(store)))
}

/// `hotseat lock` with these words, through the agent of this node; in its folder, so that nothing outlives it.
pub(crate) fn command(node: &Node, words: &[&str]) -> Command {
    let mut command = Command::new(program::hotseat());
    command.arg("lock").args(words).env("HOTSEAT_URL", node.url()).current_dir(&node.home).env_remove("RUST_LOG");
    command
}

/// Runs it to its end.
pub(crate) fn run(node: &Node, words: &[&str]) -> Output {
    command(node, words).stdin(Stdio::null()).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A lock that runs beside the test. Dropped, it is killed, and its guard ends the rest.
pub(crate) struct Lock {
    child: Option<Child>,
}

impl Lock {
    pub(crate) fn start(node: &Node, words: &[&str]) -> Self {
        let mut command = command(node, words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { child: Some(command.spawn().unwrap()) }
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.as_ref().unwrap().id()).unwrap()
    }

    pub(crate) fn send(&self, what: Signal) {
        signal(self.pid(), what);
    }

    /// Its guards, which are its children.
    pub(crate) fn guards(&self) -> Vec<i32> {
        let ours = |pid: &i32| look(*pid).is_some_and(|it| it.comm == "seat-guard") && parent(*pid) == Some(self.pid());
        numbers().into_iter().filter(ours).collect()
    }

    /// Waits until it has begun: it has a guard, whether it holds the lock or stands in the queue.
    pub(crate) fn wait_until_begun(&self) {
        poll(CEILING, || (!self.guards().is_empty()).then_some(())).expect("it begins");
    }

    /// Its end: status, output and errors.
    pub(crate) fn end(mut self) -> Output {
        self.child.take().unwrap().wait_with_output().unwrap()
    }

    pub(crate) fn status(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().unwrap().try_wait().unwrap()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// A file that commands write lines to.
pub(crate) struct Lines(PathBuf);

impl Lines {
    pub(crate) fn of(cluster: &Cluster, name: &str) -> Self {
        Self(cluster.root().join(name))
    }

    pub(crate) fn path(&self) -> String {
        self.0.display().to_string()
    }

    pub(crate) fn all(&self) -> Vec<String> {
        fs::read_to_string(&self.0).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Waits for a line.
    pub(crate) fn wait(&self, wanted: &str) {
        let there = || self.all().iter().any(|line| line == wanted).then_some(());
        poll(CEILING, there).unwrap_or_else(|| panic!("no line {wanted:?} in {:?}", self.all()));
    }

    /// Waits for so many lines that are process numbers.
    pub(crate) fn pids(&self, count: usize) -> Vec<i32> {
        let pids = || {
            let all: Vec<i32> = self.all().iter().filter_map(|line| line.parse().ok()).collect();
            (all.len() >= count).then_some(all)
        };
        poll(CEILING, pids).unwrap_or_else(|| panic!("no {count} numbers in {:?}", self.all()))
    }
}

/// A command with a child, a daemon in a session of its own, and one that has lost its parent: it says who they are, and
/// none of them ends by itself or when asked to.
pub(crate) fn family(said: &Lines) -> String {
    let said = said.path();
    format!(
        "trap '' TERM INT HUP; \
         sh -c 'trap \"\" TERM; echo $$ >> {said}; while :; do sleep 0.1; done' & \
         setsid sh -c 'trap \"\" TERM; echo $$ >> {said}; while :; do sleep 0.1; done' & \
         (setsid sh -c 'trap \"\" TERM; echo $$ >> {said}; while :; do sleep 0.1; done' &) ; \
         echo $$ >> {said}; while :; do sleep 0.1; done"
    )
}

/// How many of `family` there are.
pub(crate) const FAMILY: usize = 4;

/// A command that says which of these live at the instant it begins; a zombie is dead.
pub(crate) fn who_lives(pids: &Path) -> String {
    let pids = pids.display();
    format!(
        "for pid in $(cat {pids}); do grep -qs '^State:.[^ZX]' /proc/$pid/status && echo alive $pid; done; echo began"
    )
}
