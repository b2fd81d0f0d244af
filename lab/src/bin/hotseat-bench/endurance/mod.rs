//! Thousands of failovers in one life of three agents: what they hold afterwards has to be what they held before.
//!
//! ```text
//!  settled ── switchover, three times ── settled ── the leader's service SIGKILL ── settled ── …   a look each hundredth
//! ```

mod sample;
mod table;

use std::time::{Duration, Instant};

use hotseat_lab::processes::Kind;
use hotseat_lab::spec::Store;
use hotseat_lab::{CEILING, Cluster};

use crate::args::MEMORY;
use crate::fault::Fault;
use crate::progress::Progress;
use crate::trial;

pub(crate) use table::told;

/// One failover in so many is by a kill, and so waits for a restart; all others are planned and as fast as it goes.
const KILL_EACH: usize = 4;

/// How often it is looked at what the cluster holds, during a whole run.
pub(crate) const LOOKS: usize = 100;

/// Between two looks at who leads.
const LOOK: Duration = Duration::from_millis(2);

/// What was seen of one cluster's life.
#[derive(Clone, Debug)]
pub(crate) struct Endurance {
    pub(crate) failovers: usize,
    pub(crate) took: Duration,
    /// Changes of leader beyond those that were asked for or struck: when, and why, says the cluster.
    pub(crate) unasked: Vec<String>,
    /// How long each took, until another one led and said so.
    pub(crate) each: Vec<Duration>,
    /// What was held, at evenly spaced moments from the first to the last.
    pub(crate) looks: Vec<[u64; sample::FIGURES.len()]>,
}

/// So many failovers, as fast as they go.
pub(crate) fn measure(failovers: usize) -> Endurance {
    let progress = Progress::begin(format!("{failovers} failovers in one life"));
    let cluster = Cluster::settled(trial::spec(MEMORY).store(Store::Raft));
    let agents = agents(&cluster);
    let (_, mut expected) = trial::settled(&cluster);
    let (mut each, mut looks, mut unasked) = (Vec::new(), vec![sample::take(&cluster)], Vec::new());
    let began = Instant::now();
    for number in 1..=failovers {
        let (old, epoch) = trial::settles(&cluster);
        if epoch != expected {
            let reason = old.group().map(|group| group.reason).unwrap_or_default();
            unasked.push(format!("{} after failover {}: {reason}", epoch - expected, number - 1));
        }
        let fault = if number % KILL_EACH == 0 { Fault::Service } else { Fault::Switchover };
        each.push(followed(&cluster, epoch, fault.strike(old)));
        expected = epoch + 1;
        if number * LOOKS / failovers > (number - 1) * LOOKS / failovers {
            trial::settles(&cluster);
            looks.push(sample::take(&cluster));
            progress.step(&format!("{number}/{failovers}"));
        }
    }
    trial::settled(&cluster);
    assert_eq!(agents, self::agents(&cluster), "an agent did not live through it");
    let found = Endurance { failovers, took: began.elapsed(), unasked, each, looks };
    progress.end(&format!("{} changes unasked, {}", found.unasked.len(), table::verdict(&found)));
    found
}

fn agents(cluster: &Cluster) -> Vec<i32> {
    cluster.nodes().iter().flat_map(|node| node.pids(Kind::Agent)).collect()
}

/// Waits until somebody leads under a later epoch; how long that took.
fn followed(cluster: &Cluster, epoch: u64, struck: Instant) -> Duration {
    let later =
        || cluster.nodes().iter().find(|node| node.leads() && node.group().is_some_and(|group| group.epoch > epoch));
    while later().is_none() {
        assert!(struck.elapsed() < CEILING, "nobody follows");
        std::thread::sleep(LOOK);
    }
    struck.elapsed()
}
