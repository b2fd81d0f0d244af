//! Hosts that cannot reach each other: in both ways, in one, or some pairs only. Whoever is cut off stops in time, and
//! nobody else is disturbed.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use hotseat_lab::spec::Store;
use hotseat_lab::{Case, Cluster, Spec, net};

/// Of `timing = "lan"`.
const TTL: Duration = Duration::from_secs(2);

fn cluster(store: Store) -> Option<Cluster> {
    net::possible().then(|| Cluster::settled(Spec::writer().hot().apart().store(store)))
}

/// The leader is cut off from everybody, its store included: one change, and one only when it comes back.
fn symmetric(store: Store) {
    let Some(cluster) = cluster(store) else { return };
    for round in 0..2 {
        let case = Case::begin(&cluster);
        let old = case.old;
        let struck = cluster.part(&[old]);
        let (_, group) = case.successor(&case.others());
        cluster.heal();
        let ended = case.end(1);
        let outage = ended.tell("leader cut off", struck, old).unwrap();
        assert_eq!(ended.changes, 1, "round {round}: {}", group.reason);
        assert!(outage < 2 * TTL, "a lease, and a little: {outage:?}");
    }
}

/// A standby is cut off: nobody else notices.
fn a_standby_alone(store: Store) {
    let Some(cluster) = cluster(store) else { return };
    let case = Case::begin(&cluster);
    let standby = case.others()[0];
    let struck = cluster.part(&[standby]);
    cluster.wait_for("it is missed", |_| {
        let members = case.old.group()?.members;
        members.iter().any(|member| member.node == standby.name && member.state == "offline").then_some(())
    });
    cluster.heal();
    let ended = case.end(0);
    ended.tell("standby cut off", struck, standby);
}

/// What the leader sends is lost, what is sent to it arrives; and the reverse.
fn one_way(store: Store) {
    let Some(cluster) = cluster(store) else { return };
    for towards in [false, true] {
        let case = Case::begin(&cluster);
        let (this, others) = ([case.old.number()], case.others().iter().map(|node| node.number()).collect::<Vec<_>>());
        let net = cluster.net();
        let struck = if towards { net.cut_one_way(&others, &this) } else { net.cut_one_way(&this, &others) };
        // Whether this moves the lead is the store's affair; there is nothing to wait for but time, more than a lease.
        std::thread::sleep(TTL * 2);
        cluster.heal();
        let old = case.old;
        case.end(1).tell(if towards { "leader deaf" } else { "leader mute" }, struck, old);
    }
}

/// The leader and one standby cannot reach each other, the third reaches both: whoever leads then goes on leading.
fn partial(store: Store) {
    let Some(cluster) = cluster(store) else { return };
    let case = Case::begin(&cluster);
    let (old, cut) = (case.old, case.others()[0]);
    let struck = cluster.net().cut(&[old.number()], &[cut.number()]);
    std::thread::sleep(TTL * 2);
    cluster.heal();
    case.end(1).tell("leader and a standby cut from each other", struck, old);
}

/// A third of everything between the nodes is lost: it may be slow, it may not be wrong.
fn lossy(store: Store) {
    let Some(cluster) = cluster(store) else { return };
    let case = Case::begin(&cluster);
    let net = cluster.net();
    for (from, to) in [(1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (3, 2)] {
        net.lose(from, to, 30);
    }
    let struck = net.reset(1, 2);
    std::thread::sleep(TTL * 2);
    cluster.heal();
    let old = case.old;
    case.end(1).tell("30 % lost", struck, old);
}

hotseat_lab::on_every_store!(symmetric, a_standby_alone, one_way, partial, lossy);
