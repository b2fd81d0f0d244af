//! A host is lost: nobody can tell it from one that is silent, so the others wait for as long as its lease could last.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use hotseat_lab::processes::{Kind, look};
use hotseat_lab::spec::Store;
use hotseat_lab::{Case, Cluster, Spec, net};

/// Of `timing = "fast"`.
const TTL: Duration = Duration::from_millis(500);

fn cluster(store: Store) -> Option<Cluster> {
    net::possible().then(|| Cluster::settled(Spec::writer().apart().hot().store(store).cluster("timing", "\"fast\"")))
}

/// The wire is pulled: what runs on the lost host stops before anybody else begins.
fn unplugged(store: Store) {
    let Some(cluster) = cluster(store) else { return };
    for _ in 0..3 {
        let case = Case::begin(&cluster);
        let old = case.old;
        let services = old.pids(Kind::Service);
        let struck = cluster.unplug(old);
        let (_, group) = case.successor(&case.others());
        assert!(services.iter().all(|pid| look(*pid).is_none()), "the lost host's service is alive");
        assert_eq!(group.reason, "the old leader was silent: host, network or agent lost");
        cluster.heal();
        let ended = case.end(1);
        ended.tell("unplugged", struck, old).expect("somebody took over");
        assert_eq!(ended.changes, 1);
    }
}

/// The machine is switched off, and on again.
fn switched_off(store: Store) {
    let Some(cluster) = cluster(store) else { return };
    let case = Case::begin(&cluster);
    let old = case.old;
    let struck = cluster.unplug(old);
    old.kill_all();
    case.successor(&case.others());
    cluster.heal();
    old.start();
    let ended = case.end(1);
    let outage = ended.tell("switched off", struck, old).unwrap();
    assert!(outage >= TTL / 2, "nobody may believe in silence so soon: {outage:?}");
    assert_eq!(ended.changes, 1);
}

/// All hosts lose each other at once, and find each other again: one leads afterwards.
fn all_apart(store: Store) {
    let Some(cluster) = cluster(store) else { return };
    let case = Case::begin(&cluster);
    let everybody: Vec<_> = cluster.nodes().iter().collect();
    let old = case.old;
    let struck = cluster.unplug(old);
    everybody.iter().for_each(|node| _ = cluster.unplug(node));
    cluster.wait_for("nobody's service acts", |cluster| {
        let idle =
            |node: &hotseat_lab::Node| node.log().contains("session over") || node.pids(Kind::Service).is_empty();
        cluster.nodes().iter().all(idle).then_some(())
    });
    cluster.heal();
    // Whoever led may lead again, or somebody else, but more than two changes would be restlessness.
    case.end(2).tell("all apart", struck, old);
}

/// All are stopped at once while the last has only just come: each ends, though soon there are too few to agree on anything.
#[test]
fn all_stopped() {
    if !net::possible() {
        return;
    }
    let cluster = Cluster::start(Spec::writer().apart().hot().store(Store::Raft));
    cluster.wait_for("the first one leads", |cluster| cluster.node("n1").leads().then_some(()));
    cluster.nodes().iter().for_each(|node| _ = node.term());
    cluster.nodes().iter().for_each(|node| _ = node.wait_exit());
}

hotseat_lab::on_every_store!(unplugged, switched_off, all_apart);
