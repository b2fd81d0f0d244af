//! nsg_5: hot standbys answer reads, at an address of their own; the leader's address stays the leader's.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::net::SocketAddr;

use hotseat_lab::http;
use hotseat_lab::spec::Store;
use hotseat_lab::{Cluster, Node, Spec};

/// Who answers, by the header that a service cannot write itself.
fn answers(proxy: SocketAddr) -> Option<String> {
    let answer = http::get(proxy, "/healthz").filter(|answer| answer.status == 200)?;
    let mut lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(name, _)| name.eq_ignore_ascii_case("x-hotseat-node")).map(|(_, node)| node.to_owned())
}

/// Waits until exactly these nodes answer there, in turn.
fn wait_for_readers(cluster: &Cluster, at: &Node, expected: &BTreeSet<String>) {
    cluster.wait_for(&format!("{expected:?} answer reads at {}", at.name), |_| {
        let seen: BTreeSet<_> = (0..6).filter_map(|_| answers(at.reads())).collect();
        (seen == *expected).then_some(())
    });
}

fn names<'a>(nodes: impl Iterator<Item = &'a Node>) -> BTreeSet<String> {
    nodes.map(|node| node.name.clone()).collect()
}

fn nsg_5_reads_are_answered_by_ready_standbys(store: Store) {
    let cluster = Cluster::settled(Spec::demo().store(store).hot().proxy("30s").reads("standby"));
    let old = cluster.leader();
    for node in cluster.nodes() {
        wait_for_readers(&cluster, node, &names(cluster.others(old)));
        assert_eq!(answers(node.proxy()).as_ref(), Some(&old.name), "the other address is the leader's");
    }
    let done = old.cli(&["switchover", "--wait", "60s"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let new = cluster.settle();
    wait_for_readers(&cluster, old, &names(cluster.others(new)));
    // Who is lost is not asked any more.
    for node in cluster.others(new).skip(1) {
        node.kill_agent();
    }
    let last = cluster.others(new).next().unwrap();
    wait_for_readers(&cluster, new, &names([last].into_iter()));
}

fn nsg_5_any_means_the_leader_too(store: Store) {
    let cluster = Cluster::settled(Spec::demo().store(store).hot().proxy("30s").reads("any"));
    wait_for_readers(&cluster, cluster.leader(), &names(cluster.nodes().iter()));
}

hotseat_lab::on_every_store!(nsg_5_reads_are_answered_by_ready_standbys, nsg_5_any_means_the_leader_too);
