//! `dir:PATH` on a share that hangs, goes stale, loses answers and sends calls twice, seen by two
//! hosts whose kernels believe names for a while. Needs /dev/fuse and root; says so if it skips.

#![allow(clippy::unwrap_used, unreachable_pub)] // A test that cannot go on stops.

mod share;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hotseat_stores::{Body, Dir, Key, OpenError, Store, Written, conformance};
use share::{Call, Host, Share, Trick};

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(20);

/// Two hosts that mount one share. Fields are dropped in order: stores, mounts, directory.
struct World {
    share: Share,
    hosts: Vec<(Host, PathBuf)>,
    _place: tempfile::TempDir,
}

impl World {
    fn new() -> Option<World> {
        let place = tempfile::tempdir().unwrap();
        let share = Share::new();
        let mount = |name: &str| Some((share.mount(&place.path().join(name))?, place.path().join(name)));
        let hosts = vec![mount("a")?, mount("b")?];
        Some(World { share, hosts, _place: place })
    }

    async fn open(&self, host: usize, limit: Duration) -> Dir {
        Dir::open(&self.hosts[host].1, "hostile", limit).await.unwrap()
    }

    fn host(&self, host: usize) -> &Host {
        &self.hosts[host].0
    }
}

fn key() -> Key {
    Key::parse("session/n1").unwrap()
}

async fn write(store: &Dir, expect: Option<u64>, nonce: u128) -> Written {
    store.write(&key(), expect, nonce, Body::new(nonce.to_string()).unwrap()).await
}

async fn version(store: &Dir) -> u64 {
    let found = store.read(&key()).await.unwrap().unwrap();
    assert!(found.body.is_ok(), "{found:?}");
    found.version
}

fn is_unknown(written: &Written) -> bool {
    matches!(written, Written::Unknown(_))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_suite_between_two_hosts() {
    let Some(world) = World::new() else { return };
    let turn = std::cell::Cell::new(0);
    let open = async || {
        turn.set(turn.get() + 1);
        Arc::new(world.open(turn.get() % 2, LONG).await) as Arc<dyn Store>
    };
    conformance::all(open).await.unwrap();
}

#[tokio::test]
async fn a_share_is_no_single_point_of_failure() {
    let Some(world) = World::new() else { return };
    assert_eq!(world.open(0, LONG).await.single_point_of_failure(), None);
}

#[tokio::test]
async fn a_share_that_lets_two_renames_win_is_refused() {
    let Some(world) = World::new() else { return };
    world.share.let_renames_lie();
    let error = Dir::open(&world.hosts[0].1, "hostile", LONG).await.expect_err("must be refused");
    assert!(matches!(&error, OpenError::Refused(told) if told.contains("cannot keep one leader")), "{error}");
    println!("{error}");
}

#[tokio::test]
async fn a_rename_whose_answer_is_lost_or_sent_twice_is_seen_to_have_won() {
    let Some(world) = World::new() else { return };
    let (a, b) = (world.open(0, LONG).await, world.open(1, LONG).await);
    for (round, trick) in (0..).zip([Trick::AnswerLost, Trick::Twice]) {
        let (at, expect) = (2 * round, (round > 0).then_some(2 * u64::from(round as u8)));
        world.host(0).order(Call::Rename, trick);
        // Creation and swap both.
        let made = expect.unwrap_or(0) + 1;
        assert_eq!(write(&a, expect, at + 1).await, Written::Applied { version: made }, "{trick:?}");
        world.host(0).order(Call::Rename, trick);
        assert_eq!(write(&a, Some(made), at + 2).await, Written::Applied { version: made + 1 }, "{trick:?}");
        assert_eq!(version(&b).await, made + 1);
    }
    let other = Key::parse("group/web").unwrap();
    world.host(0).order(Call::Rename, Trick::Twice);
    let created = a.write(&other, None, 99, Body::new("x").unwrap()).await;
    assert_eq!(created, Written::Applied { version: 1 });
}

#[tokio::test]
async fn what_fails_before_or_after_the_rename_is_unknown() {
    let Some(world) = World::new() else { return };
    let (a, b) = (world.open(0, LONG).await, world.open(1, LONG).await);
    assert_eq!(write(&a, None, 1).await, Written::Applied { version: 1 });
    for (call, trick) in [(Call::Rename, Trick::Stale), (Call::Fsync, Trick::AnswerLost), (Call::Fsync, Trick::Stale)] {
        // Twice: the kernel itself tries a stale rename once more.
        for _ in 0..1 + u32::from(call == Call::Rename) {
            world.host(0).order(call, trick);
        }
        let nonce = 10 + call as u128 * 10 + u128::from(matches!(trick, Trick::Stale));
        assert!(is_unknown(&write(&a, Some(1), nonce).await), "{call:?} {trick:?}");
        assert_eq!(version(&b).await, 1, "not applied: {call:?} {trick:?}");
    }
    world.host(0).order(Call::SyncDir, Trick::AnswerLost);
    assert!(is_unknown(&write(&a, Some(1), 90).await), "visible, but perhaps not durable");
    assert_eq!(version(&b).await, 2);
    // The fence settles it, and sweeps what the failures left.
    assert_eq!(write(&b, Some(1), 91).await, Written::Refused);
    assert_eq!(write(&b, Some(2), 92).await, Written::Applied { version: 3 });
    let left = std::fs::read_dir(world.hosts[0].1.join("records/session=n1")).unwrap().count();
    assert_eq!(left, 2, "one token, one body");
}

/// Two hosts race, and every few calls something goes wrong on one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn histories_between_two_hosts_under_faults_are_linearizable() {
    let Some(world) = World::new() else { return };
    let mut handles: Vec<Arc<dyn Store>> = Vec::new();
    for host in [0, 1, 0, 1] {
        handles.push(Arc::new(world.open(host, LONG).await));
    }
    let (mut unknown, mut calls) = (0, 0);
    for round in 0..ROUNDS {
        for (at, (call, trick)) in FAULTS.into_iter().enumerate() {
            for host in 0..2 {
                let fault = (round + host) % FAULTS.len() == at;
                (0..TRICKS).filter(|_| fault).for_each(|_| world.host(host).order(call, trick));
            }
        }
        let ran = conformance::record(&handles, conformance::Plan::default()).await.unwrap();
        for (key, ops) in ran {
            calls += ops.len();
            unknown += ops.iter().filter(|op| is_answered_unknown(op)).count();
            assert!(conformance::linearizable(&ops), "round {round}, {key}: {ops:#?}");
        }
    }
    println!("{calls} calls, {unknown} of them unknown");
}

const ROUNDS: usize = 15;
const TRICKS: usize = 25;
const FAULTS: [(Call, Trick); 6] = [
    (Call::Rename, Trick::AnswerLost),
    (Call::Rename, Trick::Twice),
    (Call::Rename, Trick::Stale),
    (Call::Fsync, Trick::AnswerLost),
    (Call::SyncDir, Trick::AnswerLost),
    (Call::ReadDir, Trick::Stale),
];

fn is_answered_unknown(op: &conformance::Op) -> bool {
    matches!(op.did, conformance::Did::Swap { answer: conformance::Answer::Unknown, .. })
}

/// The story that the rename is chosen for: frozen between decision and act, for fifty versions.
#[tokio::test]
async fn a_writer_frozen_at_its_rename_never_wins() {
    let Some(world) = World::new() else { return };
    let (frozen, holder) = (world.open(0, SHORT).await, world.open(1, LONG).await);
    assert_eq!(write(&holder, None, 1).await, Written::Applied { version: 1 });
    world.host(0).order(Call::Rename, Trick::Hang);
    assert!(is_unknown(&write(&frozen, Some(1), 1000).await), "its caller is told in time");
    for expect in 1..=50 {
        let next = Written::Applied { version: expect + 1 };
        assert_eq!(write(&holder, Some(expect), 1 + u128::from(expect)).await, next);
    }
    world.host(0).release();
    // A write behind the thawed one, on the same host: when it is refused, that one has ended too.
    assert_eq!(write(&frozen, Some(1), 1001).await, Written::Refused);
    assert_eq!(version(&holder).await, 51);
    assert_eq!(write(&holder, Some(51), 52).await, Written::Applied { version: 52 });
    assert_eq!(version(&frozen).await, 52);
}

#[tokio::test]
async fn a_write_whose_caller_gave_up_before_the_rename_is_not_sent() {
    let Some(world) = World::new() else { return };
    let (a, b) = (world.open(0, SHORT).await, world.open(1, LONG).await);
    assert_eq!(write(&b, None, 1).await, Written::Applied { version: 1 });
    world.host(0).order(Call::Fsync, Trick::Hang);
    assert!(is_unknown(&write(&a, Some(1), 2).await));
    let hung = format!("records/session=n1/b.{:020}.{:032x}", 2, 2);
    assert!(world.hosts[1].1.join(&hung).exists());
    world.host(0).release();
    while world.hosts[1].1.join(&hung).exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(version(&b).await, 1, "the late writer took its body back");
}

#[tokio::test]
async fn reads_pass_a_hung_write_and_a_hung_share_is_told_and_recovers() {
    let Some(world) = World::new() else { return };
    let store = world.open(0, SHORT).await;
    assert_eq!(write(&store, None, 1).await, Written::Applied { version: 1 });
    for nonce in 2..6 {
        world.host(0).order(Call::Fsync, Trick::Hang);
        assert!(is_unknown(&write(&store, Some(1), nonce).await));
    }
    assert_eq!(store.list().await.unwrap().len(), 1, "a read does not wait behind writes");
    match write(&store, Some(1), 6).await {
        Written::Unknown(told) => assert!(told.contains("hanging for"), "{told}"),
        other => panic!("all writing threads hang: {other:?}"),
    }
    for _ in 0..4 {
        world.host(0).order(Call::ReadDir, Trick::Hang);
        assert!(store.list().await.is_err());
    }
    let told = store.list().await.expect_err("all reading threads hang").0;
    assert!(told.contains("hanging for"), "{told}");
    world.host(0).release();
    while store.list().await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The writes that hung were given up before their rename: none of them is sent late.
    let mut nonce = 10;
    let written = loop {
        nonce += 1;
        match write(&store, Some(1), nonce).await {
            Written::Unknown(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            settled => break settled,
        }
    };
    assert_eq!(written, Written::Applied { version: 2 });
}
