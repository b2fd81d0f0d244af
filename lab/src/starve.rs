//! A node whose machine has too little of something: processor, memory, descriptors.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::node::Node;
use crate::processes::{Kind, signal};
use crate::{CEILING, poll, program};

/// Where cgroup v1 keeps these two; a machine without them cannot starve a node.
pub(crate) const CPU: &str = "/sys/fs/cgroup/cpu";
pub(crate) const MEMORY: &str = "/sys/fs/cgroup/memory";

/// The period over which a share of the processor is counted, in microseconds.
const PERIOD: u64 = 20_000;

/// All the memory of a node without memory; what takes it needs so much to exist.
const MEMORY_MAX: u64 = 4 << 20;

/// Dropped, the node has enough again.
#[derive(Debug)]
pub struct Starved {
    group: PathBuf,
    parent: PathBuf,
    hog: Option<Child>,
}

/// Whether nodes can be starved of processor and memory here; says what is missing if not.
#[must_use]
pub fn possible() -> bool {
    let there = [CPU, MEMORY].iter().all(|root| Path::new(root).join("cgroup.procs").exists());
    if !there {
        println!("skipped: needs cgroup v1 controllers cpu and memory");
    }
    program::root() && there
}

impl Starved {
    fn new(root: &str, node: &Node, settings: &[(&str, String)]) -> Self {
        let starved = Self { group: Path::new(root).join(node.mark.replace('/', ".")), parent: root.into(), hog: None };
        fs::create_dir(&starved.group).unwrap();
        for (file, value) in settings {
            fs::write(starved.group.join(file), value).unwrap_or_else(|error| panic!("{file} {value}: {error}"));
        }
        // What is forked meanwhile is taken in the second round.
        (0..2).flat_map(|_| node.processes()).for_each(|process| take(&starved.group, process.pid));
        starved
    }
}

fn take(group: &Path, pid: i32) {
    // One that has died needs nothing.
    drop(fs::write(group.join("cgroup.procs"), pid.to_string()));
}

/// Takes all memory that a group has.
fn hog(group: &Path) -> Child {
    let line = format!("echo $$ > {}/cgroup.procs; exec tail /dev/zero", group.display());
    Command::new("sh").args(["-c", &line]).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

impl Drop for Starved {
    fn drop(&mut self) {
        if let Some(hog) = &mut self.hog {
            drop(hog.kill());
            drop(hog.wait());
        }
        let gone = || {
            let inside = fs::read_to_string(self.group.join("cgroup.procs")).unwrap_or_default();
            inside.lines().filter_map(|pid| pid.parse().ok()).for_each(|pid| take(&self.parent, pid));
            fs::remove_dir(&self.group).ok()
        };
        if poll(CEILING, gone).is_none() {
            eprintln!("{} cannot be removed", self.group.display());
        }
    }
}

impl Node {
    /// All of it together gets so much of one core, in tenths of a per cent.
    #[must_use]
    pub fn starve_of_processor(&self, per_mille: u64) -> Starved {
        let quota = PERIOD * per_mille / 1000;
        // A real-time guard needs a share of its own to be let in at all.
        let settings = [
            ("cpu.rt_period_us", 1_000_000),
            ("cpu.rt_runtime_us", 1000 * per_mille),
            ("cpu.cfs_period_us", PERIOD),
            ("cpu.cfs_quota_us", quota),
        ];
        Starved::new(CPU, self, &settings.map(|(file, value)| (file, value.to_string())))
    }

    /// Its machine has no memory left: the kernel kills what is largest, and goes on to the next.
    #[must_use]
    pub fn starve_of_memory(&self) -> Starved {
        let mut starved = Starved::new(MEMORY, self, &[("memory.limit_in_bytes", MEMORY_MAX.to_string())]);
        for process in self.processes() {
            // What takes the memory is to be the last that the kernel kills for it.
            drop(fs::write(format!("/proc/{}/oom_score_adj", process.pid), "1000"));
        }
        starved.hog = Some(hog(&starved.group));
        starved
    }

    /// Its agent can open nothing more than it has open now.
    pub fn starve_of_descriptors(&self) {
        let agent = self.pids(Kind::Agent)[0];
        let open = fs::read_dir(format!("/proc/{agent}/fd")).unwrap().count();
        self.limit_descriptors(&open.to_string());
    }

    /// Its agent may open what it may usually open.
    pub fn feed_descriptors(&self) {
        self.limit_descriptors("1024");
    }

    fn limit_descriptors(&self, limit: &str) {
        let agent = self.pids(Kind::Agent)[0].to_string();
        let ended = program::run("prlimit".as_ref(), &["--pid", &agent, &format!("--nofile={limit}:")]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    /// SIGKILL to all keepers, the guard, the service and the agent, in this order: a machine that kills what is largest
    /// may kill anything.
    pub fn kill_everything(&self) {
        for kind in [Kind::Keeper, Kind::Guard, Kind::Service, Kind::Agent] {
            self.pids(kind).into_iter().for_each(|pid| signal(pid, rustix::process::Signal::KILL));
        }
        self.wait_exit();
    }
}
