//! Members come, go, start again and fall behind; leaders are lost; majorities are lost.

use std::time::Duration;

use super::super::law::{Law, Standing};
use super::super::{Lane, Unchanged};
use super::world::{World, eventually};
use crate::{Body, Key, OpenError, Raft, Store, Written};

fn key(name: &str) -> Key {
    Key::parse(name).unwrap()
}

/// Writes a record once more, whatever its version; returns the new one.
async fn bump(raft: &Raft, name: &str) -> u64 {
    let over = raft.read(&key(name)).await.unwrap().map(|entry| entry.version);
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).unwrap();
    match raft.write(&key(name), over, u128::from_le_bytes(nonce), Body::new(name).unwrap()).await {
        Written::Applied { version } => version,
        other => panic!("{other:?}"),
    }
}

async fn version(raft: &Raft, name: &str) -> Option<u64> {
    raft.read(&key(name)).await.unwrap().map(|entry| entry.version)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_there_after_all_have_been_down() {
    for voters in [1, 3] {
        let mut world = World::of(voters).await;
        let identity = world.nodes[0].raft.identity();
        for _ in 0..20 {
            bump(&world.nodes[0].raft, "a").await;
        }
        for at in 0..voters {
            world.stop(at).await;
        }
        for at in 0..voters {
            world.start(at).await;
        }
        for at in 0..voters {
            world.caught_up(at).await;
            let listed = world.nodes[at].raft.list().await.unwrap();
            assert_eq!(listed[0].version, 20);
            assert_eq!(world.nodes[at].raft.identity(), identity);
        }
        assert_eq!(bump(&world.nodes[voters - 1].raft, "a").await, 21);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_starts_shows_nothing_before_it_has_caught_up() {
    let mut world = World::of(3).await;
    bump(&world.nodes[0].raft, "a").await;
    world.stop(2).await;
    bump(&world.nodes[0].raft, "a").await;
    world.net.isolate(world.nodes[2].id);
    for other in [0, 1] {
        world.net.cut(world.nodes[2].id, world.nodes[other].id);
        world.net.cut(world.nodes[other].id, world.nodes[2].id);
    }
    world.start(2).await;
    assert!(world.nodes[2].raft.list().await.is_err());
    world.net.heal();
    world.caught_up(2).await;
    assert_eq!(world.nodes[2].raft.list().await.unwrap()[0].version, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_leader_is_followed_and_comes_back() {
    let mut world = World::of(3).await;
    bump(&world.nodes[0].raft, "a").await;
    let leader = world.leader(&[]).await;
    world.stop(leader).await;
    let next = world.leader(&[leader]).await;
    assert_eq!(bump(&world.nodes[next].raft, "a").await, 2);
    world.start(leader).await;
    world.caught_up(leader).await;
    assert_eq!(version(&world.nodes[leader].raft, "a").await, Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_known_to_be_dead_is_followed_by_one_of_the_rest() {
    let mut world = World::new();
    // So slow that an ordinary election would end the test.
    world.pace = super::super::Pace::of(Duration::from_secs(600));
    let world = world.grown(3).await;
    let leader = world.leader(&[]).await;
    let dead = world.nodes[leader].id;
    world.net.isolate(dead);
    for node in &world.nodes {
        node.raft.suspect(dead);
    }
    let next = world.leader(&[leader]).await;
    assert_eq!(bump(&world.nodes[next].raft, "a").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_majority_nothing_is_known() {
    let mut world = World::new();
    world.timeout = Duration::from_millis(500);
    let world = world.grown(3).await;
    eventually("a first write", async || {
        matches!(world.nodes[0].raft.write(&key("a"), None, 1, Body::new("x").unwrap()).await, Written::Applied { .. })
    })
    .await;
    let leader = world.leader(&[]).await;
    world.net.isolate(world.nodes[leader].id);
    let raft = &world.nodes[leader].raft;
    for nonce in 2..6 {
        let doubtful = raft.write(&key("a"), Some(1), nonce, Body::new("y").unwrap()).await;
        assert!(matches!(doubtful, Written::Unknown(_)), "{doubtful:?}");
        // Not even what is certainly wrong is refused: nobody here can be sure of it.
        let wrong = raft.write(&key("a"), Some(9), nonce + 100, Body::new("y").unwrap()).await;
        assert!(matches!(wrong, Written::Unknown(_)), "{wrong:?}");
    }
    assert!(raft.read(&key("a")).await.is_err());
    assert_eq!(raft.list().await.unwrap().len(), 1, "an old list is a list");
    let mut health = raft.watch_health();
    health.wait_for(|health| !health.quorum).await.unwrap();
    world.net.heal();
    health.wait_for(|health| health.quorum).await.unwrap();
}

/// Lets nobody write a body that is shorter than the record before it in the same folder.
struct Growing;

impl Law for Growing {
    fn allows(&self, standing: &Standing<'_>, key: &Key, body: &[u8]) -> bool {
        let folder = key.as_str().split('/').next().unwrap_or_default();
        let longest = standing.under(folder).filter_map(|entry| Some(entry.body.as_ref().ok()?.len())).max();
        longest.is_none_or(|longest| body.len() >= longest)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_law_is_asked_of_every_write_on_every_member() {
    let world = World::with_law(Growing).grown(3).await;
    for node in &world.nodes {
        let (long, short) = (Body::new("long").unwrap(), Body::new("s").unwrap());
        let (one, two) = (key(&format!("f{}/one", node.id)), key(&format!("f{}/two", node.id)));
        assert_eq!(node.raft.write(&one, None, 1, long.clone()).await, Written::Applied { version: 1 });
        assert_eq!(node.raft.write(&two, None, 2, short).await, Written::Refused);
        assert_eq!(node.raft.write(&two, None, 3, long).await, Written::Applied { version: 1 });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_grows_and_shrinks_under_writes() {
    let mut world = World::of(1).await;
    assert!(world.nodes[0].raft.single_point_of_failure().is_some());
    bump(&world.nodes[0].raft, "a").await;
    world.grow(2).await;
    assert!(world.nodes[0].raft.single_point_of_failure().is_none());
    assert!(world.nodes[0].raft.cannot_survive().unwrap().contains("two voters"));
    for voters in [3, 5] {
        world.grow(voters).await;
        assert!(world.nodes[0].raft.cannot_survive().is_none());
        bump(&world.nodes[voters - 1].raft, "a").await;
    }
    // The leader among those that go.
    let leader = world.leader(&[]).await;
    let other = (leader + 1) % 5;
    let stays = (leader + 2) % 5;
    for gone in [other, leader] {
        world.nodes[stays].raft.remove(world.nodes[gone].id).await.unwrap();
    }
    let next = world.leader(&[leader, other]).await;
    assert_eq!(bump(&world.nodes[next].raft, "a").await, 4);
    let census = world.nodes[stays].raft.census().await.unwrap();
    assert_eq!(census.iter().filter(|member| member.voter).count(), 3);
    assert_eq!(census.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_changed_is_refused_with_a_reason() {
    let mut world = World::of(1).await;
    let raft = world.nodes[0].raft.clone();
    let refused = |changed: Result<(), Unchanged>| matches!(changed, Err(Unchanged::Refused(_)));
    assert!(refused(raft.remove(world.nodes[0].id).await), "the last voter");
    assert!(refused(raft.promote(77).await), "a stranger");
    assert!(refused(raft.bootstrap("n0", "n0:1").await), "founded already");
    let late = world.add().await;
    world.net.isolate(world.nodes[late].id);
    raft.add_learner(world.peer(late)).await.unwrap();
    for _ in 0..80 {
        bump(&raft, "a").await;
    }
    assert!(refused(raft.promote(world.nodes[late].id).await), "it lags");
    assert!(refused(raft.transfer(world.nodes[late].id).await), "it has no vote");
    let long = "x".repeat(1000);
    assert!(refused(raft.readdress(world.nodes[late].id, &long).await), "no address");
    assert!(refused(raft.bootstrap_from("n0", "n0:1", b"rubbish", &|_, _| None).await), "no saved cluster");
    raft.readdress(world.nodes[late].id, "elsewhere:1").await.unwrap();
    assert!(raft.members().iter().any(|member| member.peer.address == "elsewhere:1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_is_handed_over_when_asked() {
    let world = World::of(3).await;
    for to in [1, 2, 0] {
        world.nodes[1].raft.transfer(world.nodes[to].id).await.unwrap();
        eventually("it leads", async || world.leader(&[]).await == to).await;
        bump(&world.nodes[to].raft, "a").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_far_behind_gets_a_snapshot_on_a_lane_of_its_own() {
    let mut world = World::of(1).await;
    for name in 0..20 {
        let body = Body::new(vec![name as u8; 200_000]).unwrap();
        let written = world.nodes[0].raft.write(&key(&format!("big/{name}")), None, name + 1, body).await;
        assert_eq!(written, Written::Applied { version: 1 });
    }
    world.compact(0).await;
    bump(&world.nodes[0].raft, "a").await;
    let late = world.add().await;
    world.join(late).await;
    assert!(world.net.carried(Lane::Bulk) > 20 * 200_000, "it came by the log");
    assert_eq!(world.nodes[late].raft.list().await.unwrap().len(), 21);
    // What the snapshot brought is on disk there.
    world.stop(late).await;
    world.start(late).await;
    world.caught_up(late).await;
    assert_eq!(world.nodes[late].raft.list().await.unwrap(), world.nodes[0].raft.list().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_is_missing_or_damaged_is_refused() {
    let world = World::of(1).await;
    bump(&world.nodes[0].raft, "a").await;
    world.compact(0).await;
    world.stop(0).await;
    let (node, file) = (&world.nodes[0], world.nodes[0].folder.join("raft.snapshot"));
    let whole = std::fs::read(&file).unwrap();
    let mut bad = whole.clone();
    bad[whole.len() / 2] ^= 1;
    for (what, bytes) in [("damaged", bad), ("cut", whole[..whole.len() - 1].to_vec()), ("empty", Vec::new())] {
        std::fs::write(&file, bytes).unwrap();
        let opened = Raft::open(world.settings(node.id, &node.folder)).await;
        assert!(matches!(&opened, Err(OpenError::Refused(why)) if why.contains("raft.snapshot")), "{what}: {opened:?}");
    }
    std::fs::remove_file(&file).unwrap();
    let opened = Raft::open(world.settings(node.id, &node.folder)).await;
    assert!(matches!(&opened, Err(OpenError::Refused(why)) if why.contains("raft.snapshot")), "missing: {opened:?}");
    std::fs::write(&file, whole).unwrap();
    Raft::open(world.settings(node.id, &node.folder)).await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_of_one_node_of_one_cluster_and_opened_once() {
    let world = World::of(1).await;
    let node = &world.nodes[0];
    let taken = Raft::open(world.settings(node.id, &node.folder)).await;
    assert!(matches!(taken, Err(OpenError::Unavailable(_))), "{taken:?}");
    world.stop(0).await;
    let foreign = super::super::prepare(&node.folder, "another");
    assert!(matches!(&foreign, Err(OpenError::Refused(why)) if why.contains("another")), "{foreign:?}");
    let twin = Raft::open(world.settings(node.id + 1, &node.folder)).await;
    assert!(matches!(twin, Err(OpenError::Refused(_))), "{twin:?}");
    let empty = tempfile::tempdir().unwrap();
    let unprepared = Raft::open(world.settings(node.id, empty.path())).await;
    assert!(matches!(unprepared, Err(OpenError::Refused(_))), "{unprepared:?}");
    assert_eq!(super::super::prepare(&node.folder, super::world::CLUSTER), Ok(node.id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_cluster_is_restored_into_a_new_one() {
    let old = World::of(3).await;
    for _ in 0..5 {
        bump(&old.nodes[1].raft, "a").await;
    }
    // More than one entry of the log takes.
    for name in 0..8 {
        let body = Body::new(vec![1; 200_000]).unwrap();
        old.nodes[0].raft.write(&key(&format!("big/{name}")), None, name + 1, body).await;
    }
    let saved = old.nodes[2].raft.save().await.unwrap();
    let mut new = World::new();
    new.add().await;
    let raft = new.nodes[0].raft.clone();
    raft.bootstrap_from("n0", "n0:1", &saved, &|_, _| None).await.unwrap();
    new.caught_up(0).await;
    assert_eq!(raft.list().await.unwrap(), old.nodes[0].raft.list().await.unwrap());
    assert_ne!(raft.identity(), old.nodes[0].raft.identity());
    assert_eq!(bump(&raft, "a").await, 6);
    new.grow(3).await;
    assert_eq!(version(&new.nodes[2].raft, "a").await, Some(6));
}
