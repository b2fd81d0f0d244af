//! Clocks that are wrong on one node: steps, timers that run fast or slow, machines that were started at other times.
//! What is decided is decided by durations of the boot clock, so nothing comes of it.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use hotseat_lab::spec::Store;
use hotseat_lab::{Case, Cluster, Node, Spec, clock};

/// Of `timing = "lan"`.
const TTL: Duration = Duration::from_secs(2);

fn prepared(store: Store) -> Option<Cluster> {
    // The first one is to lead, whoever is there first.
    let spec = Spec::writer().hot().store(store).only(1, "group", "priority", "10");
    clock::possible().then(|| Cluster::prepare(spec))
}

/// The timers of the leader's runtime run twice as fast, and then half as fast: it may be late and lose the lead, it may
/// not keep it for too long.
fn drift(store: Store) {
    for rate in ["x2.0", "x0.5"] {
        let Some(cluster) = prepared(store) else { return };
        let leader = cluster.node("n1");
        leader.start_at_rate(rate);
        cluster.others(leader).for_each(Node::start);
        let case = Case::begin(&cluster);
        let (old, struck) = (case.old, Instant::now());
        assert_eq!(old.name, leader.name);
        std::thread::sleep(TTL * 2);
        assert_eq!(cluster.leader().group().unwrap().epoch, case.epoch, "{rate}: nobody may lose the lead for it");
        old.stop_agent();
        case.successor(&case.others());
        old.continue_agent();
        case.end(1).tell(rate, struck, old);
    }
}

/// Its wall clock steps to and fro by years while it leads.
fn steps(store: Store) {
    let Some(cluster) = prepared(store) else { return };
    let leader = cluster.node("n1");
    leader.start_with_wall_clock("+0");
    cluster.others(leader).for_each(Node::start);
    let case = Case::begin(&cluster);
    let (old, struck) = (case.old, Instant::now());
    for step in ["+3600", "-1000d", "+1000d", "+0"] {
        leader.set_clock(step);
        std::thread::sleep(TTL);
    }
    case.end(0).tell("steps", struck, old);
}

/// One machine has been up for a year longer than the next: nobody compares such readings, and a failover works.
fn uptimes(store: Store) {
    let Some(cluster) = prepared(store) else { return };
    for (node, days) in cluster.nodes().iter().zip([0, 365, 4000]) {
        node.start_with_uptime(days * 24 * 3600);
    }
    for strike in [Node::kill_agent, Node::freeze] {
        let case = Case::begin(&cluster);
        let old = case.old;
        let struck = strike(old);
        case.successor(&case.others());
        if old.runs() {
            old.thaw();
        } else {
            old.start_with_uptime(5000 * 24 * 3600);
        }
        let ended = case.end(1);
        ended.tell("other uptimes", struck, old);
        assert_eq!(ended.changes, 1);
    }
}

hotseat_lab::on_every_store!(drift, steps, uptimes);
