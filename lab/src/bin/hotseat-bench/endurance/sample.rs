//! What a cluster holds at one moment: of each figure the highest of all its nodes.

use std::fs;
use std::path::Path;

use hotseat_lab::processes::{Kind, of_status};
use hotseat_lab::{Cluster, Node};

/// One figure that must not grow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) title: &'static str,
    /// Growth by so much from one part of a run to another is no growth: what any process does by itself.
    pub(crate) slack: u64,
    measure: fn(&Held<'_>) -> u64,
}

/// All of them.
pub(crate) const FIGURES: [Figure; 11] = [
    Figure { title: "agent KiB", slack: 1024, measure: |held| held.memory(Kind::Agent) },
    Figure { title: "its descriptors", slack: 2, measure: |held| held.descriptors(Kind::Agent) },
    Figure { title: "its threads", slack: 2, measure: |held| held.threads(Kind::Agent) },
    Figure { title: "guard KiB", slack: 256, measure: |held| held.memory(Kind::Guard) },
    Figure { title: "its descriptors", slack: 2, measure: |held| held.descriptors(Kind::Guard) },
    Figure { title: "processes", slack: 2, measure: |held| held.processes.len() as u64 },
    Figure { title: "cgroups", slack: 2, measure: |held| held.node.cgroups() as u64 },
    Figure { title: "log KiB", slack: 2048, measure: |held| held.file("raft.redb") / 1024 },
    Figure { title: "records, bytes", slack: 256, measure: |held| held.file("raft.snapshot") },
    Figure { title: "files", slack: 2, measure: |held| files(&held.node.path("data")).len() as u64 },
    Figure { title: "events told", slack: 2, measure: |held| held.node.events().len() as u64 },
];

/// The figures of one moment, in the order of [`FIGURES`].
pub(crate) fn take(cluster: &Cluster) -> [u64; FIGURES.len()] {
    let all: Vec<_> = cluster.nodes().iter().map(Held::of).collect();
    FIGURES.map(|figure| all.iter().map(figure.measure).max().expect("a cluster has nodes"))
}

/// A node, and its living processes.
struct Held<'a> {
    node: &'a Node,
    processes: Vec<(Kind, i32)>,
}

impl<'a> Held<'a> {
    fn of(node: &'a Node) -> Self {
        let processes = node.processes().into_iter().map(|process| (process.kind, process.pid)).collect();
        Self { node, processes }
    }

    /// The highest of all processes of a kind.
    fn highest(&self, kind: Kind, figure: impl Fn(i32) -> u64) -> u64 {
        let its = self.processes.iter().filter(|(its, _)| *its == kind);
        its.map(|(_, pid)| figure(*pid)).max().unwrap_or(0)
    }

    fn memory(&self, kind: Kind) -> u64 {
        self.highest(kind, |pid| of_status(pid, "VmRSS:"))
    }

    fn threads(&self, kind: Kind) -> u64 {
        self.highest(kind, |pid| of_status(pid, "Threads:"))
    }

    fn descriptors(&self, kind: Kind) -> u64 {
        self.highest(kind, |pid| fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |all| all.count() as u64))
    }

    /// The length of a file somewhere in its folder, 0 while there is none.
    fn file(&self, name: &str) -> u64 {
        let all = files(&self.node.path("data"));
        all.iter().filter(|path| path.ends_with(name)).filter_map(|path| Some(path.metadata().ok()?.len())).sum()
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
