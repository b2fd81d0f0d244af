//! Wires that are slow: everything between the nodes comes late, out of order, some of it twice. That is no fault, as long
//! as it stays within the lease's time-outs; and where it does not, it may cost a change of leader, never two leaders.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use hotseat_lab::net::delay::{self, Way};
use hotseat_lab::spec::Store;
use hotseat_lab::{Case, Cluster, Spec};

/// Of `timing = "lan"`.
const TTL: Duration = Duration::from_secs(2);

/// Between two continents: a round trip of 140 to 160 ms, more than a heartbeat of the log.
const FAR: Way = Way { delay: Duration::from_millis(75), jitter: Duration::from_millis(5), duplicates: 10 };

/// Longer than a lease.
const STALE: Way = Way { delay: Duration::from_millis(2500), jitter: Duration::from_millis(500), duplicates: 20 };

fn cluster() -> Option<Cluster> {
    delay::possible().then(|| Cluster::settled(Spec::writer().hot().apart().store(Store::Raft)))
}

/// Three places far from each other: nobody loses the lead, and a lost host is taken over from as anywhere.
#[test]
fn far_apart() {
    let Some(cluster) = cluster() else { return };
    let case = Case::begin(&cluster);
    let struck = cluster.net().slow_all(&[1, 2, 3], FAR);
    // There is nothing to wait for: nothing may happen.
    std::thread::sleep(TTL * 3);
    let old = case.old;
    case.end(0).tell("far apart", struck, old);

    let case = Case::begin(&cluster);
    let struck = cluster.unplug(case.old);
    case.successor(&case.others());
    cluster.net().plug(case.old.number());
    let old = case.old;
    let ended = case.end(1);
    ended.tell("far apart, leader lost", struck, old);
    assert_eq!(ended.changes, 1);
}

/// What the leader hears and says is older than its lease: it has to stop in time, and what arrives afterwards, twice
/// and in any order, brings nobody back.
#[test]
fn older_than_a_lease() {
    let Some(cluster) = cluster() else { return };
    let case = Case::begin(&cluster);
    let leader = case.old.number();
    let others: Vec<_> = case.others().iter().map(|node| node.number()).collect();
    let struck = Instant::now();
    for other in others {
        cluster.net().slow(leader, other, STALE);
        cluster.net().slow(other, leader, STALE);
    }
    case.successor(&case.others());
    // What is under way still comes, for longer than a lease.
    std::thread::sleep(TTL * 2);
    cluster.heal();
    let old = case.old;
    let ended = case.end(1);
    ended.tell("everything older than a lease", struck, old);
    assert_eq!(ended.changes, 1);
}
