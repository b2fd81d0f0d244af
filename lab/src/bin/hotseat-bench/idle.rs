//! What an agent at rest costs: resident memory and processor, of it, its guard and its keepers.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use hotseat_lab::processes::{Kind, of_status};
use hotseat_lab::{Cluster, Spec};

use crate::args::MEMORY;
use crate::progress::Progress;

/// Left alone before it counts: starts cost something.
const WARM: Duration = Duration::from_secs(2);

/// One process at rest.
#[derive(Clone, Debug)]
pub(crate) struct Idle {
    pub(crate) timing: &'static str,
    pub(crate) what: &'static str,
    pub(crate) resident_kb: u64,
    /// Of one core.
    pub(crate) percent: f64,
    pub(crate) threads: usize,
    pub(crate) over: Duration,
}

/// Measures all timings at once: at rest they are not in each other's way.
pub(crate) fn measure(length: Duration) -> Vec<Idle> {
    let progress = Progress::begin(format!("agents at rest, {} s", length.as_secs()));
    let clusters = ["fast", "lan"].map(|timing| {
        let spec = Spec::demo().hot().cluster("timing", &format!("\"{timing}\"")).proxy("30s").place(MEMORY);
        (timing, Cluster::settled(spec))
    });
    std::thread::sleep(WARM);
    let watched: Vec<_> = clusters.iter().flat_map(|(timing, cluster)| watched(timing, cluster)).collect();
    let (began, before): (_, Vec<_>) = (Instant::now(), watched.iter().map(|it| spent(it.pid)).collect());
    std::thread::sleep(length);
    let over = began.elapsed();
    let all = watched.iter().zip(before).map(|(it, before)| {
        let after = spent(it.pid);
        let used: u64 = after.iter().map(|(thread, now)| now - before.get(thread).copied().unwrap_or(0)).sum();
        let percent = Duration::from_nanos(used).as_secs_f64() / over.as_secs_f64() * 100.0;
        Idle {
            timing: it.timing,
            what: it.what,
            resident_kb: of_status(it.pid, "VmRSS:"),
            percent,
            threads: after.len(),
            over,
        }
    });
    let all = worst(all);
    progress.end(&format!("{} kinds of process", all.len()));
    all
}

struct Watched {
    timing: &'static str,
    what: &'static str,
    pid: i32,
}

fn watched(timing: &'static str, cluster: &Cluster) -> Vec<Watched> {
    let leader = &cluster.leader().name;
    let its = |node: &hotseat_lab::Node| {
        let leads = node.name == *leader;
        let processes = node.processes().into_iter().filter_map(move |process| {
            let what = match process.kind {
                Kind::Agent if leads => "agent, leader",
                Kind::Agent => "agent, standby",
                Kind::Guard => "guard",
                Kind::Keeper => "keeper",
                Kind::Service | Kind::Passing => return None,
            };
            Some(Watched { timing, what, pid: process.pid })
        });
        processes.collect::<Vec<_>>()
    };
    cluster.nodes().iter().flat_map(its).collect()
}

/// Nanoseconds on a processor, by thread.
pub(crate) fn spent(pid: i32) -> BTreeMap<String, u64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let spent = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        Some((thread.file_name().into_string().ok()?, text.split(' ').next()?.parse().ok()?))
    });
    spent.collect()
}

/// Of several processes of a kind, the highest of each figure.
fn worst(all: impl Iterator<Item = Idle>) -> Vec<Idle> {
    let mut kinds: Vec<Idle> = Vec::new();
    for one in all {
        match kinds.iter_mut().find(|it| (it.timing, it.what) == (one.timing, one.what)) {
            None => kinds.push(one),
            Some(kind) => {
                kind.resident_kb = kind.resident_kb.max(one.resident_kb);
                kind.percent = kind.percent.max(one.percent);
                kind.threads = kind.threads.max(one.threads);
            }
        }
    }
    kinds.sort_by_key(|it| (it.timing, it.what));
    kinds
}
