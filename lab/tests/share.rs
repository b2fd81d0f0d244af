//! A shared directory: no server needed, and a share that is lost or hangs stops its holder in time.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use hotseat_lab::processes::Kind;
use hotseat_lab::{Cluster, Node, Spec, program};

/// A lease is over this long after the share went, at the latest: ttl.
const TTL: Duration = Duration::from_secs(2);

#[test]
fn dat_1() {
    let cluster = Cluster::prepare(Spec::demo().hot().nodes(2));
    let (first, second) = (cluster.node("n1"), cluster.node("n2"));
    first.start();
    cluster.settle();
    second.start();
    cluster.wait_for("the second stands by with its service running", |_| {
        second.member().filter(|member| member.state == "hot-standby").map(drop)
    });
    assert!(first.leads() && !second.leads());
    assert_eq!(second.pids(Kind::Service).len(), 1);
    assert_eq!(hotseat_lab::observer::demo(second.service()), None, "a standby does not act");
}

/// The share goes away for the leader alone: it stops by itself, before anybody else starts, and comes back as a standby.
fn loses(cluster: &Cluster, old: &Node, lose: impl FnOnce()) {
    let observer = cluster.observe();
    cluster.wait_for("an answer", |_| hotseat_lab::observer::demo(old.service()));
    let lost = std::time::Instant::now();
    lose();
    cluster.next_leader(old);
    assert_eq!(old.pids(Kind::Service).iter().filter(|_| old.leads()).count(), 0);
    let answer = |cluster: &Cluster| cluster.others(old).find_map(|node| hotseat_lab::observer::demo(node.service()));
    cluster.wait_for("an answer of a new leader", answer);
    assert_ne!(old.status("/health"), 200, "an agent without its store is not well");
    let seen = observer.stop();
    seen.check_one_leader();
    let last = seen.last_of(&old.name).unwrap();
    println!("acted for {:?} after the loss\n{seen}", last.received.saturating_duration_since(lost));
    // Questions that hang count from when they were sent.
    assert!(last.sent < lost + TTL, "acted {:?} after the loss", last.sent - lost);
}

fn comes_back(cluster: &Cluster, old: &Node) {
    cluster.wait_for("it is a standby again", |_| {
        old.member().filter(|member| member.state.ends_with("standby")).map(drop)
    });
    cluster.settle();
    assert!(!old.leads(), "it does not take the leadership back");
}

#[test]
fn dat_2() {
    let cluster = Cluster::prepare(Spec::demo().hot());
    // What a dead host may have left: nobody believes in it.
    for name in ["lock", ".lock", "hotseat.lock"] {
        std::fs::write(cluster.store().join(name), "pid 4711 on a host that burnt down").unwrap();
    }
    cluster.nodes().iter().for_each(Node::start);
    let old = cluster.settle();
    loses(&cluster, old, || _ = old.lose_store());
    old.find_store();
    comes_back(&cluster, old);
}

#[test]
fn dat_2_hung() {
    if !program::root() {
        return;
    }
    let cluster = Cluster::settled(Spec::demo().hot());
    let old = cluster.leader();
    let mut hung = None;
    loses(&cluster, old, || hung = old.hang_store());
    assert!(hung.is_some(), "no FUSE here");
    old.find_store();
    drop(hung);
    comes_back(&cluster, old);
}

#[test]
fn a_share_lost_by_all_stops_all_and_found_again_serves() {
    let cluster = Cluster::settled(Spec::demo().hot().nodes(2));
    let epoch = cluster.leader().group().unwrap().epoch;
    let observer = cluster.observe();
    cluster.nodes().iter().for_each(|node| _ = node.lose_store());
    cluster.wait_for("nobody serves", |cluster| cluster.nodes().iter().all(|node| !node.leads()).then_some(()));
    cluster.wait_for("nobody acts", |cluster| {
        cluster.nodes().iter().all(|node| hotseat_lab::observer::demo(node.service()).is_none()).then_some(())
    });
    cluster.nodes().iter().for_each(|node| _ = node.find_store());
    let leader = cluster.settle();
    assert!(leader.group().unwrap().epoch > epoch);
    observer.stop().check_one_leader();
}

/// Renewals move names and need no room; what does is not done, and is done once there is room again.
#[test]
fn a_full_share_moves_nobody_and_room_lets_another_take_over() {
    if !program::root() {
        return;
    }
    let cluster = Cluster::prepare(Spec::demo().nodes(2));
    let store = cluster.store();
    let mounted = program::run("mount".as_ref(), &["-t", "tmpfs", "-o", "size=1m", "tmpfs", store.to_str().unwrap()]);
    assert_eq!(mounted.code, Some(0), "{mounted:?}");
    // Dropped before the cluster, whose folder it is in.
    let _mounted = Unmount(store.clone());
    let witness = cluster.witness();
    cluster.nodes().iter().for_each(Node::start);
    let old = cluster.settle();
    let epoch = old.group().unwrap().epoch;
    let filler = store.join("filler");
    let full = std::fs::write(&filler, vec![1; 2 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    // Nothing is to happen for longer than a lease lasts.
    std::thread::sleep(TTL * 3 / 2);
    assert_eq!(old.group().unwrap().epoch, epoch);
    assert!(old.leads(), "a full share is no reason to stop");
    old.kill_agent();
    std::fs::remove_file(filler).unwrap();
    let (_, group) = cluster.next_leader(old);
    assert!(group.epoch > epoch);
    witness.check_never_two();
}

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        program::run("umount".as_ref(), &["-l", self.0.to_str().unwrap()]);
    }
}
