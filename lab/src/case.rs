//! One case: a settled cluster, a fault, its end, and the judgement: one leader at every instant, at most so many changes,
//! and a whole cluster afterwards. The fault itself is the test's.

use std::time::{Duration, Instant};

use hotseat_client::Group;

use crate::cluster::Cluster;
use crate::node::Node;
use crate::observer::{Observer, Timeline, demo};

/// See the module.
#[derive(Debug)]
pub struct Case<'a> {
    cluster: &'a Cluster,
    /// Who led when it began.
    pub old: &'a Node,
    /// Under which epoch.
    pub epoch: u64,
    observer: Observer,
}

impl<'a> Case<'a> {
    /// Waits until the cluster is settled and its leader answers; observes from now on.
    pub fn begin(cluster: &'a Cluster) -> Self {
        let old = cluster.settle();
        let epoch = old.group().expect("it has just answered").epoch;
        let observer = cluster.observe();
        cluster.wait_for("an answer of the leader", |_| demo(old.service()));
        Self { cluster, old, epoch, observer }
    }

    /// Waits until somebody among `nodes` leads under a later epoch and answers there.
    pub fn successor(&self, nodes: &[&'a Node]) -> (&'a Node, Group) {
        self.cluster.wait_for("a new leader that answers", |_| {
            let leader = nodes.iter().find(|node| node.leads())?;
            let group = leader.group().filter(|group| group.epoch > self.epoch && group.serving)?;
            demo(leader.service()).filter(|epoch| *epoch == group.epoch)?;
            Some((*leader, group))
        })
    }

    /// All nodes but the old leader.
    #[must_use]
    pub fn others(&self) -> Vec<&'a Node> {
        self.cluster.others(self.old).collect()
    }

    /// Waits until the cluster is whole again, and judges.
    pub fn end(self, changes_max: u64) -> Ended {
        let leader = self.cluster.settle();
        let epoch = leader.group().expect("it has just answered").epoch;
        let seen = self.observer.stop();
        seen.check_one_leader();
        let history = self.cluster.check_registers();
        let changes = epoch - self.epoch;
        assert!(changes <= changes_max, "{changes} changes of leader, of {changes_max} that may be:\n{seen}");
        Ended { changes, late: history.delivered_late(), seen }
    }
}

/// What was seen of a case.
#[derive(Debug)]
pub struct Ended {
    /// Changes of leader.
    pub changes: u64,
    /// Writes that came to the open register after those of a later epoch.
    pub late: usize,
    /// All answers.
    pub seen: Timeline,
}

impl Ended {
    /// Prints what came of a fault, and returns the outage: from `struck` to the first answer of another than `old`.
    pub fn tell(&self, fault: &str, struck: Instant, old: &Node) -> Option<Duration> {
        let outage = self.seen.outage(struck, &old.name);
        println!("{fault}: {} changes, outage {outage:?}, {} delivered late\n{}", self.changes, self.late, self.seen);
        outage
    }
}
