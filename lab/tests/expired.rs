//! A certificate that has expired: who holds the cluster's CA renews its own before it speaks to anybody, so that a cluster
//! wakes up however long it slept; a witness holds none, and is turned away until it joins anew. No leader notices.
#![allow(missing_docs, clippy::unwrap_used)]

use hotseat_lab::spec::Store;
use hotseat_lab::{Cluster, Node, Spec, clock};

/// Longer than a node's certificate lives, which is 90 days.
const LATER: &str = "+100d";

/// Two nodes and a witness were asleep for a hundred days. The witness is the last to wake up.
#[test]
fn who_slept_through_its_certificate_is_turned_away() {
    if !clock::possible() {
        return;
    }
    let spec = Spec::demo().hot().store(Store::Raft).only(3, "node", "witness", "true");
    let cluster = Cluster::prepare(spec);
    let (witness, members) = (cluster.node("n3"), [cluster.node("n1"), cluster.node("n2")]);
    members.iter().for_each(|node| node.start_with_wall_clock(LATER));
    let leader = cluster.settle();
    members.iter().for_each(|node| cluster.wait_for("a new certificate", |_| logged(node, "certificate was renewed")));
    let before = leader.group().unwrap();

    witness.start_with_wall_clock(LATER);
    cluster.wait_for("it says what it waits for, and why in vain", |_| {
        let says = |line: &str| line.contains("waiting for a majority") && line.contains("our certificate has expired");
        witness.log().lines().any(says).then_some(())
    });
    for node in members {
        let name = "n3\" at ";
        cluster.wait_for("it says whom it turns away", |_| {
            let says = |line: &str| line.contains(name) && line.contains("its certificate has expired");
            node.log().lines().any(says).then_some(())
        });
    }
    let after = leader.group().unwrap();
    assert_eq!((before.epoch, before.leader), (after.epoch, after.leader), "nobody else notices");
    assert!(leader.leads());
}

fn logged(node: &Node, words: &str) -> Option<()> {
    node.log().contains(words).then_some(())
}
