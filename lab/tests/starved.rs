//! Nodes that have too little: of processor and descriptors nobody loses the lead for want of them; of memory a node may
//! die, and another takes over.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use hotseat_lab::spec::Store;
use hotseat_lab::{Case, Cluster, Node, Spec, starve};

/// Of `timing = "lan"`.
const TTL: Duration = Duration::from_secs(2);

fn cluster(store: Store) -> Option<Cluster> {
    starve::possible().then(|| Cluster::settled(Spec::writer().hot().store(store)))
}

/// Each node has a twentieth of one core: nobody loses the lead.
fn of_processor(store: Store) {
    let Some(cluster) = cluster(store) else { return };
    let case = Case::begin(&cluster);
    let (old, struck) = (case.old, Instant::now());
    let starved: Vec<_> = cluster.nodes().iter().map(|node| node.starve_of_processor(50)).collect();
    std::thread::sleep(TTL * 3);
    drop(starved);
    case.end(0).tell("a twentieth of a core", struck, old);
}

/// The leader can open nothing: what it has open is enough to go on; at the worst it stops, and another takes over.
fn of_descriptors(store: Store) {
    let Some(cluster) = cluster(store) else { return };
    let case = Case::begin(&cluster);
    let (old, struck) = (case.old, Instant::now());
    old.starve_of_descriptors();
    std::thread::sleep(TTL * 2);
    if old.runs() {
        old.feed_descriptors();
    }
    old.revive();
    case.end(1).tell("no descriptor left", struck, old);
}

/// The kernel kills what is largest on the leader's node, and then the next, whatever that is: another one leads.
fn of_memory(store: Store) {
    let Some(cluster) = cluster(store) else { return };
    let case = Case::begin(&cluster);
    let (old, struck) = (case.old, Instant::now());
    let starved = old.starve_of_memory();
    case.successor(&case.others());
    drop(starved);
    old.revive();
    case.end(1).tell("out of memory", struck, old);
}

/// Everything of the leader's is killed, in the worst order.
fn everything_killed(store: Store) {
    let Some(cluster) = cluster(store) else { return };
    let case = Case::begin(&cluster);
    let (old, struck) = (case.old, Instant::now());
    old.kill_everything();
    case.successor(&case.others());
    Node::start(old);
    case.end(1).tell("everything killed", struck, old);
}

hotseat_lab::on_every_store!(of_processor, of_descriptors, of_memory, everything_killed);
