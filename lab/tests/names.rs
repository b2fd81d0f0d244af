//! Who may be here and who leads: unique names, one leader, the order of election.
#![allow(missing_docs, clippy::unwrap_used)]

use hotseat_lab::processes::Kind;
use hotseat_lab::{Cluster, Node, Spec};

#[test]
fn nsg_3() {
    let cluster = Cluster::prepare(Spec::demo().nodes(2).only(2, "node", "name", "\"n1\""));
    let (first, twin) = (cluster.node("n1"), cluster.node("n2"));
    first.start();
    cluster.settle();
    let before = first.group().unwrap();
    twin.start();
    let exit = twin.wait_exit();
    let log = twin.log();
    assert!(!exit.success(), "{log}");
    assert!(log.contains("error: this name is taken"), "{log}");
    assert!(log.contains(&first.address().to_string()), "names the address of the first: {log}");
    let after = first.group().unwrap();
    assert!(first.leads(), "the first is unharmed");
    assert_eq!((after.epoch, after.leader, after.serving), (before.epoch, before.leader, true));
}

#[test]
fn nsg_4() {
    let cluster = Cluster::start(Spec::demo());
    let witness = cluster.witness();
    let leader = cluster.settle();
    let group = leader.group().unwrap();
    assert_eq!(group.members.iter().filter(|member| member.state == "leader").count(), 1, "{group:?}");
    assert_eq!(cluster.nodes().iter().filter(|node| node.leads()).count(), 1);
    for other in cluster.others(leader) {
        assert!(other.pids(Kind::Service).is_empty(), "only the leader completes its start: {}", other.name);
    }
    assert_eq!(hotseat_lab::observer::demo(leader.service()), Some(group.epoch));
    assert_eq!(witness.check_never_two().order, [leader.name.as_str()], "nobody else served on the way");
}

/// Kills the leaders one after the other; they lead in this order.
#[test]
fn amp_6() {
    let hot = |spec: Spec, node| spec.only(node, "service", "standby", "\"hot\"");
    let spec = hot(Spec::demo().nodes(5), 4).only(5, "group", "priority", "7").only(1, "group", "priority", "-1");
    let cluster = Cluster::prepare(spec);
    let first = cluster.node("n1");
    first.start();
    assert_eq!(cluster.settle().name, "n1", "alone, even the last in the order leads");
    cluster.others(first).for_each(Node::start);
    cluster.wait_for("all five", |_| {
        let members = first.group()?.members;
        let ready = members.iter().filter(|member| member.state.ends_with("standby")).count();
        (ready == 4).then_some(())
    });
    let mut leader = first;
    for (expected, why) in [
        ("n5", "the highest priority"),
        ("n4", "hot before cold"),
        ("n2", "the lowest name"),
        ("n3", "the last one left"),
    ] {
        leader.kill_agent();
        leader = cluster.next_leader(leader).0;
        assert_eq!(leader.name, expected, "{why}");
    }
}
