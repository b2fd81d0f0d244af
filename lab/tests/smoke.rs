//! The harness itself: a cluster comes up, fails over, and leaves nothing behind.
#![allow(missing_docs, clippy::unwrap_used)]

use hotseat_lab::{Cluster, Spec, processes};

#[test]
fn a_cluster_starts_and_nothing_of_it_is_left() {
    let cluster = Cluster::settled(Spec::demo().hot());
    let homes: Vec<_> = cluster.nodes().iter().map(|node| node.home.clone()).collect();
    let observer = cluster.observe();
    let old = cluster.leader();
    let fault = old.kill_agent();
    let (new, group) = cluster.next_leader(old);
    assert_eq!(group.leader.as_deref(), Some(new.name.as_str()));
    cluster.wait_for("answers of the new leader", |_| hotseat_lab::observer::demo(new.service()));
    let seen = observer.stop();
    seen.check_one_leader();
    println!("{seen}outage {:?}", seen.outage(fault, &old.name));
    drop(cluster);
    let left: Vec<_> = homes.iter().flat_map(|home| processes::of("none", home)).collect();
    assert_eq!(left, []);
}
