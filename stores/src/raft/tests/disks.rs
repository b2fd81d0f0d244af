//! What bad disks do to a member: it stops, says why, and never goes on over what may be lost.

use std::time::Duration;

use super::super::Pace;
use super::bad_disk::BadDisk;
use super::world::{World, eventually};
use crate::{Body, Key, OpenError, Store, Written};

fn key(name: &str) -> Key {
    Key::parse(name).unwrap()
}

fn body(bytes: impl AsRef<[u8]>) -> Body {
    Body::new(bytes).unwrap()
}

/// A small generator, so that a failure can be repeated.
struct Rolls(u64);

impl Rolls {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

async fn alone_on(disk: &BadDisk) -> World {
    let mut world = World::new();
    world.timeout = Duration::from_secs(2);
    world.add_on(disk).await;
    world.nodes[0].raft.bootstrap("n0", "n0:1").await.unwrap();
    world.caught_up(0).await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_power_cuts() {
    let disk = BadDisk::default();
    let mut world = alone_on(&disk).await;
    let mut rolls = Rolls(0x9E37_79B9);
    let mut acknowledged = 0;
    for boot in 0..30_u128 {
        let raft = world.nodes[0].raft.clone();
        for call in 0..1 + rolls.next() % 20 {
            let over = (acknowledged > 0).then_some(acknowledged);
            let written = raft.write(&key("a"), over, (boot + 1) << 64 | u128::from(call), body("x")).await;
            assert_eq!(written, Written::Applied { version: acknowledged + 1 });
            acknowledged += 1;
        }
        // One more is under way when the power goes.
        let late =
            tokio::spawn(
                async move { raft.write(&key("a"), Some(acknowledged), (boot + 1) << 96, body("late")).await },
            );
        if rolls.next().is_multiple_of(2) {
            tokio::task::yield_now().await;
        }
        disk.power_cut(|| rolls.next());
        if let Written::Applied { version } = late.await.unwrap() {
            acknowledged = version;
        }
        world.stop(0).await;
        let raft = world.open_on(&disk, world.nodes[0].id, &world.nodes[0].folder).await.unwrap();
        world.put(0, raft);
        world.caught_up(0).await;
        let found = world.nodes[0].raft.read(&key("a")).await.unwrap().unwrap().version;
        assert!((acknowledged..=acknowledged + 1).contains(&found), "{acknowledged} acknowledged, {found} found");
        acknowledged = found;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_sync_is_the_end() {
    for full in [false, true] {
        let disk = BadDisk::default();
        let world = alone_on(&disk).await;
        let raft = &world.nodes[0].raft;
        assert_eq!(raft.write(&key("a"), None, 1, body("x")).await, Written::Applied { version: 1 });
        if full {
            disk.fill()
        } else {
            disk.fail()
        }
        let mut version = Some(1);
        let mut end = None;
        // A full disk may have room for a few more.
        for nonce in 2..2000 {
            match raft.write(&key("a"), version, nonce, body(vec![1; 100_000])).await {
                Written::Applied { version: next } => version = Some(next),
                other => {
                    end = Some(other);
                    break;
                }
            }
        }
        assert!(matches!(end, Some(Written::Unknown(_))), "{end:?}");
        let mut health = raft.watch_health();
        let health = health.wait_for(|health| health.failure.is_some()).await.unwrap().clone();
        assert!(health.failure.as_ref().unwrap().contains("raft.redb"), "{health:?}");
        assert!(raft.list().await.is_err() && raft.read(&key("a")).await.is_err());
        assert!(matches!(raft.write(&key("a"), version, 1 << 70, body("y")).await, Written::Unknown(_)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_others_go_on_without_a_member_whose_disk_failed() {
    let disk = BadDisk::default();
    let mut world = alone_on(&disk).await;
    world.grow(3).await;
    assert_eq!(world.nodes[0].raft.write(&key("a"), None, 1, body("x")).await, Written::Applied { version: 1 });
    disk.fail();
    // This may be in the log of the others, or not; nobody may be told that it is not.
    let doubtful = world.nodes[0].raft.write(&key("a"), Some(1), 2, body("y")).await;
    assert_ne!(doubtful, Written::Refused);
    let next = world.leader(&[0]).await;
    let now = world.nodes[next].raft.read(&key("a")).await.unwrap().unwrap();
    let written = world.nodes[next].raft.write(&key("a"), Some(now.version), 3, body("z")).await;
    assert_eq!(written, Written::Applied { version: now.version + 1 });
    assert!(world.nodes[0].raft.health().failure.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_disk_of_a_follower_stops_nobody() {
    let disk = BadDisk::default();
    let mut world = World::new().grown(2).await;
    let slow = world.add_on(&disk).await;
    world.join(slow).await;
    disk.stall();
    for version in 0..50 {
        let over = (version > 0).then_some(version);
        let written = world.nodes[0].raft.write(&key("a"), over, u128::from(version) + 1, body("x")).await;
        assert_eq!(written, Written::Applied { version: version + 1 });
    }
    disk.free();
    let raft = &world.nodes[slow].raft;
    eventually("the slow one catches up", async || {
        raft.list().await.unwrap().first().is_some_and(|entry| entry.version == 50)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_with_a_stalled_disk_hands_over_and_nothing_is_lost() {
    let disk = BadDisk::default();
    let mut world = World::new();
    world.pace = Pace::of(Duration::from_millis(500));
    world.add_on(&disk).await;
    world.nodes[0].raft.bootstrap("n0", "n0:1").await.unwrap();
    world.caught_up(0).await;
    world.grow(3).await;
    disk.stall();
    // A majority without the leader has it on disk.
    let written = world.nodes[0].raft.write(&key("a"), None, 1, body("x")).await;
    assert_eq!(written, Written::Applied { version: 1 });
    let next = world.leader(&[0]).await;
    let written = world.nodes[next].raft.write(&key("a"), Some(1), 2, body("y")).await;
    assert_eq!(written, Written::Applied { version: 2 });
    disk.free();
    let raft = &world.nodes[0].raft;
    eventually("the old leader follows", async || raft.read(&key("a")).await.is_ok_and(|it| it.unwrap().version == 2))
        .await;
}

/// A log with some entries, closed; and where in it bodies are.
async fn written(disk: &BadDisk) -> (Vec<u8>, Vec<usize>) {
    let world = alone_on(disk).await;
    let raft = world.nodes[0].raft.clone();
    for version in 0..40_u64 {
        let over = (version > 0).then_some(version);
        let written = raft.write(&key("a"), over, u128::from(version) + 1, body("marked")).await;
        assert_eq!(written, Written::Applied { version: version + 1 });
    }
    world.stop(0).await;
    let mut whole = Vec::new();
    disk.with_bytes(|bytes| whole.clone_from(bytes));
    let marks = whole.windows(6).enumerate().filter(|(_, it)| *it == b"marked").map(|(at, _)| at).collect();
    (whole, marks)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_in_an_entry_is_found_and_never_used() {
    let disk = BadDisk::default();
    let (whole, marks) = written(&disk).await;
    assert!(marks.len() >= 40);
    let mut refused = 0;
    for at in marks {
        disk.with_bytes(|bytes| {
            bytes.clone_from(&whole);
            bytes[at] ^= 4;
        });
        // Some are in pages that are free: nothing that counts was hit.
        let Err(OpenError::Refused(why)) = disk.open() else { continue };
        assert!(why.contains("raft.redb"), "{why}");
        assert!(disk.open().is_err(), "damage that was found is healed by looking again");
        refused += 1;
    }
    assert!(refused >= 40, "only {refused} were found");
}

/// Anywhere in the file: what opens has lost nothing, what does not open stays so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_anywhere_loses_nothing_unseen() {
    let disk = BadDisk::default();
    let (whole, _) = written(&disk).await;
    let (_, sound) = disk.open().unwrap();
    let mut rolls = Rolls(0xBEEF);
    for _ in 0..500 {
        let (at, bit) = (rolls.next() as usize % whole.len(), rolls.next() % 8);
        disk.with_bytes(|bytes| {
            bytes.clone_from(&whole);
            bytes[at] ^= 1 << bit;
        });
        for look in 0..2 {
            // redb panics over some damage; that is an end as well, if a rude one.
            let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| disk.open()));
            let Ok(Ok((_, found))) = opened else { continue };
            let same = (found.owner, found.vote, found.purged, found.last)
                == (sound.owner.clone(), sound.vote, sound.purged, sound.last);
            assert!(same, "bit {bit} of byte {at}, look {look}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_come_together_are_synced_together() {
    let disk = BadDisk::default();
    let world = alone_on(&disk).await;
    let before = disk.syncs();
    disk.stall();
    let raft = &world.nodes[0].raft;
    let writes: Vec<_> = (0..200_u128)
        .map(|nonce| {
            let raft = raft.clone();
            tokio::spawn(async move { raft.write(&key(&format!("k{nonce}")), None, nonce + 1, body("x")).await })
        })
        .collect();
    // The first is at the disk; the others gather behind it.
    eventually("all are in the log", async || raft.0.journal.last().is_some_and(|last| last.index() >= 200)).await;
    disk.free();
    for write in writes {
        assert_eq!(write.await.unwrap(), Written::Applied { version: 1 });
    }
    assert!(disk.syncs() - before < 50, "{} syncs for 200 writes", disk.syncs() - before);
}
