//! How fast it is; for people, not for `make test`:
//! `cargo test --release -p hotseat-stores --lib raft::tests::measure -- --ignored --nocapture --test-threads 1`

use std::time::{Duration, Instant};

use super::super::Pace;
use super::world::{World, eventually};
use crate::{Body, Key, Store, Written};

const FAST: Duration = Duration::from_millis(500);

fn percentiles(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("{what}: p50 {:?}, p99 {:?}, max {:?} of {}", at(50), at(99), at(100), times.len());
}

async fn fast(voters: usize) -> World {
    let mut world = World::new();
    world.pace = Pace::of(FAST);
    world.grown(voters).await
}

/// A world whose leader is known to everybody, and which leader.
async fn settled(world: &World) -> usize {
    let leader = world.leader(&[]).await;
    eventually("everybody knows the leader", async || {
        world.nodes.iter().all(|node| node.raft.leader() == Some(world.nodes[leader].id))
    })
    .await;
    leader
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn a_silenced_leader_is_followed() {
    let world = fast(3).await;
    let mut times = Vec::new();
    for _ in 0..40 {
        let leader = settled(&world).await;
        let begun = Instant::now();
        world.net.isolate(world.nodes[leader].id);
        world.leader(&[leader]).await;
        times.push(begun.elapsed());
        world.net.heal();
    }
    percentiles("a new leader after silence", times);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn a_leader_known_to_be_dead_is_followed() {
    for voters in [3, 5] {
        let world = fast(voters).await;
        let mut times = Vec::new();
        for _ in 0..100 {
            let leader = settled(&world).await;
            let dead = world.nodes[leader].id;
            world.net.isolate(dead);
            let begun = Instant::now();
            for node in world.nodes.iter().filter(|node| node.id != dead) {
                node.raft.suspect(dead);
            }
            world.leader(&[leader]).await;
            times.push(begun.elapsed());
            world.net.heal();
        }
        percentiles(&format!("a new leader after proof of death, {voters} voters"), times);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn writes_and_looks() {
    for voters in [1, 3] {
        let world = fast(voters).await;
        let key = Key::parse("a").unwrap();
        let body = Body::new(vec![7; 300]).unwrap();
        for (who, at) in [("leader", 0), ("follower", voters - 1)] {
            let raft = &world.nodes[at].raft;
            let mut version = raft.read(&key).await.unwrap().map(|entry| entry.version);
            let (mut writes, mut reads) = (Vec::new(), Vec::new());
            for nonce in 0..500_u128 {
                let begun = Instant::now();
                let written = raft.write(&key, version, (at as u128 + 1) << 64 | nonce, body.clone()).await;
                writes.push(begun.elapsed());
                let Written::Applied { version: next } = written else { panic!("{written:?}") };
                version = Some(next);
                let begun = Instant::now();
                raft.read(&key).await.unwrap();
                reads.push(begun.elapsed());
            }
            percentiles(&format!("a write, {voters} voters, asked of the {who}"), writes);
            percentiles(&format!("a read, {voters} voters, asked of the {who}"), reads);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn no_election_under_load() {
    let minutes = Duration::from_secs(60);
    let world = fast(3).await;
    let leader = settled(&world).await;
    let term = world.term(leader);
    let mut busy: Vec<_> =
        (0..6).map(|_| std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap()).collect();
    let key = Key::parse("a").unwrap();
    let (begun, mut version, mut times) = (Instant::now(), None, Vec::new());
    while begun.elapsed() < minutes {
        let asked = Instant::now();
        let nonce = times.len() as u128 + 1;
        let written = world.nodes[leader].raft.write(&key, version, nonce, Body::new("x").unwrap()).await;
        times.push(asked.elapsed());
        let Written::Applied { version: next } = written else { panic!("{written:?}") };
        version = Some(next);
    }
    for loops in &mut busy {
        loops.kill().unwrap();
        loops.wait().unwrap();
    }
    println!("elections in {minutes:?} with six busy loops: {}", world.term(leader) - term);
    percentiles("a write with six busy loops", times);
}
