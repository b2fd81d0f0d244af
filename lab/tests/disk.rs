//! Disks that are slow, full, read-only, damaged, or forget: a node may be of no use then, but it is never wrong, and it
//! takes nobody with it.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hotseat_lab::disk::{self, Disk};
use hotseat_lab::inject::{self, SYNCS, Wrong};
use hotseat_lab::spec::Store;
use hotseat_lab::{Case, Cluster, Node, Spec, program};

/// Of `timing = "lan"`.
const TTL: Duration = Duration::from_secs(2);

/// Room for a log and its copies, and little more.
const MEBIBYTES: u64 = 24;

fn cluster(store: Store) -> Option<Cluster> {
    disk::possible().then(|| Cluster::settled(Spec::writer().store(store).hot().disks(MEBIBYTES)))
}

/// Something goes wrong with the leader's disk for a while, and is mended.
fn check(cluster: &Cluster, what: &str, changes_max: u64, wrong: impl FnOnce(&Node)) {
    let case = Case::begin(cluster);
    let (old, struck) = (case.old, Instant::now());
    wrong(old);
    old.revive();
    case.end(changes_max).tell(what, struck, old);
}

fn slow_and_failing_syncs(store: Store) {
    if !inject::possible() {
        return;
    }
    let Some(cluster) = cluster(store) else { return };
    for delay in [300, 1500, 5000].map(Duration::from_millis) {
        check(&cluster, &format!("fsync takes {delay:?}"), 1, |old| {
            let slow = old.inject(SYNCS, Wrong::Slow(delay));
            std::thread::sleep(TTL + delay);
            drop(slow);
        });
    }
    check(&cluster, "fsync fails", 1, |old| {
        let broken = old.inject(SYNCS, Wrong::Fails("EIO"));
        std::thread::sleep(TTL * 2);
        drop(broken);
    });
}

fn full(store: Store) {
    let Some(cluster) = cluster(store) else { return };
    check(&cluster, "disk full", 1, |old| {
        old.disk().fill();
        std::thread::sleep(TTL * 3 / 2);
        old.disk().empty();
    });
}

/// The leader's own part of the log is dead while its voters hear it: it goes on, refuses what it could not finish, and
/// does not take the group with it when it is stopped.
#[test]
fn a_leader_that_cannot_write_is_stopped() {
    if !inject::possible() {
        return;
    }
    let cluster = Cluster::settled(Spec::writer().store(Store::Raft).hot());
    let old = cluster.settle();
    let broken = old.inject(SYNCS, Wrong::Fails("ENOSPC"));
    let other = cluster.others(old).next().unwrap();
    cluster.wait_for("it finds out", |_| {
        // What others write, it cannot.
        program::run(&program::hotseat(), &["lock", "x", "--try", "--url", &other.url(), "--", "true"]);
        (!old.picture()?.store.healthy).then_some(())
    });
    let refusal = old.cli(&["switchover", "--wait", "1s"]);
    assert_eq!(refusal.code, Some(1), "{refusal:?}");
    assert!(refusal.err.contains("the store does not answer here"), "{refusal:?}");
    assert!(old.leads(), "it leads on: {}", old.log());
    drop(broken);
    old.term();
    cluster.next_leader(old);
    old.wait_exit();
    old.start();
    cluster.settle();
}

/// A device that errs makes its file system read-only: only a restart of the machine mends it.
fn read_only(store: Store) {
    let Some(cluster) = cluster(store) else { return };
    cluster.nodes().iter().for_each(|node| node.disk().sync());
    check(&cluster, "disk read-only", 2, |old| {
        old.disk().read_only();
        std::thread::sleep(TTL * 3 / 2);
        old.cut_power();
    });
}

/// Everything that a node had not synced is lost, at any moment of its life: it comes back, and nothing goes back.
fn power_cut(store: Store) {
    let Some(cluster) = cluster(store) else { return };
    cluster.nodes().iter().for_each(|node| node.disk().sync());
    for round in 0..3 {
        check(&cluster, &format!("power cut {round}"), 1, |old| _ = old.cut_power());
    }
    let epoch = cluster.settle().group().unwrap().epoch;
    for node in cluster.nodes() {
        node.cut_power();
    }
    cluster.nodes().iter().for_each(Node::start);
    assert!(cluster.settle().group().unwrap().epoch > epoch, "a new leadership after all were off");
}

/// The power is cut as soon as the node has started for the first time in its life.
#[test]
fn power_cut_in_the_cradle() {
    let Some(cluster) = cluster(Store::Dir) else { return };
    check(&cluster, "power cut", 1, |old| _ = old.cut_power());
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let mut found: Vec<_> = entries
        .flat_map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.path()] })
        .collect();
    found.retain(|path| path.metadata().is_ok_and(|about| about.is_file() && about.len() > 0));
    found.sort();
    found
}

/// A bit of each file in turn is wrong when the node starts again: it says so and ends, or it works. It never hangs, and
/// the others never notice more than its absence.
#[test]
fn turned_bits() {
    let Some(cluster) = cluster(Store::Dir) else { return };
    let leader = cluster.settle();
    let node = cluster.others(leader).next().unwrap();
    let epoch = leader.group().unwrap().epoch;
    let count = files(&node.path("data")).len();
    for place in 0..count {
        node.kill_agent();
        let Some(victim) = files(&node.path("data")).into_iter().nth(place) else { break };
        let sound = std::fs::read(&victim).unwrap();
        Disk::turn_a_bit(&victim, 977 * (place as u64 + 1));
        println!("a bit of {} is turned", victim.display());
        node.start();
        let standby = || node.member().is_some_and(|member| member.state.ends_with("standby"));
        cluster.wait_for("it works or says why not", |_| (node.ended().is_some() || standby()).then_some(()));
        if let Some(status) = node.ended() {
            assert!(!status.success() && node.log().lines().last().is_some(), "{status}: {}", node.log());
            std::fs::write(&victim, sound).unwrap();
            node.start();
        }
        cluster.settle();
    }
    assert_eq!(cluster.settle().group().unwrap().epoch, epoch, "nobody else may notice");
}

/// A standby's whole disk goes back to an earlier day, as a machine's does that is restored: it may be of no use, but the
/// others go on.
#[test]
fn gone_back() {
    let Some(cluster) = cluster(Store::Raft) else { return };
    let leader = cluster.settle();
    let standby = cluster.others(leader).next().unwrap();
    standby.kill_agent();
    let earlier: Vec<_> =
        files(&standby.path("data")).into_iter().map(|path| (std::fs::read(&path).unwrap(), path)).collect();
    standby.start();
    cluster.settle();
    // What it acknowledges now it is made to forget.
    let third = cluster.others(leader).nth(1).unwrap();
    third.kill_agent();
    third.start();
    cluster.settle();
    standby.kill_agent();
    earlier.iter().for_each(|(bytes, path)| std::fs::write(path, bytes).unwrap());
    standby.start();
    // Nothing is to happen to the others, so there is nothing to wait for but time.
    std::thread::sleep(TTL * 2);
    assert!(leader.runs() && leader.leads() && leader.picture().unwrap().store.healthy, "{}", leader.log());
}

hotseat_lab::on_every_store!(slow_and_failing_syncs, full, read_only, power_cut);
