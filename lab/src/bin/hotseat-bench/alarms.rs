//! A machine that is far too busy, and nothing else wrong: nobody may lose the lead.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use hotseat_lab::spec::Store;
use hotseat_lab::{Cluster, Node};

use crate::progress::Progress;
use crate::trial::spec;

/// Busy loops per core.
const OVERSUBSCRIBED: usize = 4;

/// The disk writer's file is begun anew at this size.
const FILE_MAX: u64 = 64 << 20;
/// Written between two fsyncs.
const CHUNK: usize = 1 << 20;

const BURN: &str = "--burn";
const SCRIBBLE: &str = "--scribble";

/// What happened to one cluster while the machine was too busy.
#[derive(Clone, Debug)]
pub(crate) struct Alarms {
    pub(crate) store: Store,
    pub(crate) over: Duration,
    pub(crate) burners: usize,
    /// Changes of leader.
    pub(crate) changes: u64,
    /// Sessions that ended, of anybody.
    pub(crate) sessions: usize,
    /// The oldest newest renewal that any agent showed, asked four times a second.
    pub(crate) stalest: Duration,
}

/// Plays the busy loop or the disk writer, when this process was started as one; ends with its parent.
pub(crate) fn play_a_part(words: &[String]) -> bool {
    match words {
        [word] if word == BURN => {
            end_with_parent();
            loop {
                std::hint::spin_loop();
            }
        }
        [word, path] if word == SCRIBBLE => {
            end_with_parent();
            scribble(Path::new(path));
            true
        }
        _ => false,
    }
}

fn end_with_parent() {
    std::thread::spawn(|| {
        drop(std::io::stdin().read(&mut [0]));
        std::process::exit(0);
    });
}

fn scribble(path: &Path) {
    let mut file = File::create(path).unwrap();
    let chunk = vec![7; CHUNK];
    loop {
        file.write_all(&chunk).unwrap();
        file.sync_all().unwrap();
        if file.stream_position().unwrap() >= FILE_MAX {
            file.rewind().unwrap();
        }
    }
}

/// The load. Dropped, it is gone.
struct Load(Vec<Child>);

impl Load {
    fn begin(burners: usize, file: &Path) -> Self {
        let exe = std::env::current_exe().unwrap();
        let start = |words: &[&str]| Command::new(&exe).args(words).stdin(Stdio::piped()).spawn().unwrap();
        let mut all: Vec<_> = (0..burners).map(|_| start(&[BURN])).collect();
        all.push(start(&[SCRIBBLE, file.to_str().unwrap()]));
        Self(all)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// A cluster under load.
struct Watched {
    store: Store,
    cluster: Cluster,
    epoch: u64,
    ended: usize,
    stalest: Duration,
}

impl Watched {
    fn begin(disk: &str, store: Store) -> Self {
        let cluster = Cluster::settled(spec(disk).store(store));
        let (epoch, ended) = (epoch(&cluster), ended(&cluster));
        Self { store, cluster, epoch, ended, stalest: Duration::ZERO }
    }

    fn look(&mut self) {
        let oldest = self.cluster.nodes().iter().filter_map(renewed).max().unwrap_or_default();
        self.stalest = self.stalest.max(oldest);
    }

    fn end(self, over: Duration, burners: usize) -> Alarms {
        let Self { store, cluster, stalest, .. } = self;
        let (changes, sessions) = (epoch(&cluster) - self.epoch, ended(&cluster) - self.ended);
        Alarms { store, over, burners, changes, sessions, stalest }
    }
}

/// Keeps a cluster of each store on this disk, with the machine too busy, for so long.
pub(crate) fn measure(disk: &str, length: Duration) -> Vec<Alarms> {
    let progress = Progress::begin(format!("false alarms on a machine that is too busy, {} s", length.as_secs()));
    let mut all = [Store::Dir, Store::Raft].map(|store| Watched::begin(disk, store));
    let burners = OVERSUBSCRIBED * available_parallelism().map_or(1, usize::from);
    let file = all[0].cluster.root().join("scribbled");
    let load = Load::begin(burners, &file);
    let began = Instant::now();
    while began.elapsed() < length {
        std::thread::sleep(Duration::from_millis(250));
        all.iter_mut().for_each(Watched::look);
        let stalest = all.each_ref().map(|one| one.stalest);
        progress.step(&format!("{:.0} s, oldest renewals {stalest:?}", began.elapsed().as_secs_f64()));
    }
    let over = began.elapsed();
    drop(load);
    drop(fs::remove_file(file));
    let found = all.map(|one| one.end(over, burners));
    let changes: u64 = found.iter().map(|one| one.changes).sum();
    progress.end(&format!("{changes} changes of leader"));
    found.into()
}

/// The section of the report.
pub(crate) fn told(all: &[Alarms], stamp: &str) -> String {
    let (over, burners) = all.first().map_or((0.0, 0), |one| (one.over.as_secs_f64(), one.burners));
    let mut text = format!(
        "## False alarms\n\n{stamp}\n\nTwo clusters at `fast`, both on the disk, for {over:.0} s beside each other: {burners} busy loops at \
         nice 0 ({OVERSUBSCRIBED} per core) and a writer that calls fsync after each MiB on the same disk. Aim: no change of \
         leader.\n\n| store | changes of leader | sessions that ended | oldest newest renewal |\n| --- | --: | --: | --: |\n"
    );
    for Alarms { store, changes, sessions, stalest, .. } in all {
        let stalest = stalest.as_millis();
        writeln!(text, "| `{}` | {changes} | {sessions} | {stalest} ms |", store.word()).unwrap();
    }
    text
}

fn epoch(cluster: &Cluster) -> u64 {
    cluster.leader().group().map_or(0, |group| group.epoch)
}

fn renewed(node: &Node) -> Option<Duration> {
    node.picture()?.renewed_ms.map(Duration::from_millis)
}

/// How many sessions ended, by the words of those whose sessions they were.
fn ended(cluster: &Cluster) -> usize {
    let of = |node: &Node| node.events().iter().filter(|event| event.kind == "session-over").count();
    cluster.nodes().iter().map(of).sum()
}
