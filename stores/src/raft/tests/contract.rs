//! The contract every store keeps, kept by clusters of one and of three, in peace and while leaders are cut off.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::super::Pace;
use super::world::World;
use crate::conformance::{self, Answer, Did, Op, Plan, linearizable};
use crate::{Key, Store};

/// Opens handles round robin, so that every node is asked.
async fn suite(world: &World) {
    let next = AtomicUsize::new(0);
    let open = async || {
        let at = next.fetch_add(1, Ordering::Relaxed) % world.nodes.len();
        Arc::new(world.nodes[at].raft.clone()) as Arc<dyn Store>
    };
    conformance::all(open).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_voter() {
    suite(&World::of(1).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_voters_each_asked_in_turn() {
    suite(&World::of(3).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_voters() {
    suite(&World::of(5).await).await;
}

/// Leaders come and go under the callers; whatever was answered must have been true.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_while_leaders_are_cut_off_is_linearizable() {
    let mut world = World::new();
    world.pace = Pace::of(Duration::from_millis(500));
    world.timeout = Duration::from_secs(1);
    let world = world.grown(3).await;
    world.net.delay(Duration::from_millis(1));
    let handles: Vec<Arc<dyn Store>> = world.nodes.iter().map(|it| Arc::new(it.raft.clone()) as _).collect();
    let plan = Plan { callers: 6, keys: 4, calls: 20 };
    let recorded = conformance::record(&handles, plan);
    let histories = tokio::select! {
        histories = recorded => histories.unwrap(),
        () = unrest(&world) => unreachable!("it goes on for ever"),
    };
    judge(&histories);
}

/// Cuts each leader off until there is another, then lets it come back; in between, one direction only.
async fn unrest(world: &World) {
    loop {
        let leader = world.leader(&[]).await;
        world.net.isolate(world.nodes[leader].id);
        let next = world.leader(&[leader]).await;
        world.net.heal();
        world.net.cut(world.nodes[leader].id, world.nodes[next].id);
        // Not an event: some time with half a connection.
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.net.heal();
        // Not an event either: some time in which calls come through.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

fn judge(histories: &HashMap<Key, Vec<Op>>) {
    let ops: Vec<&Op> = histories.values().flatten().collect();
    let applied = ops.iter().filter(|op| matches!(op.did, Did::Swap { answer: Answer::Applied(_), .. })).count();
    assert!(applied > 20, "only {applied} of {} calls came through: nothing was tried", ops.len());
    for (key, ops) in histories {
        assert!(linearizable(ops), "no order explains what happened to {key}: {ops:#?}");
        fresh(key, ops);
    }
}

/// This store's reads are never stale: they see what was applied, or read, before they began.
fn fresh(key: &Key, ops: &[Op]) {
    let seen = |op: &Op| match op.did {
        Did::Read { version, .. } => version,
        Did::Swap { answer: Answer::Applied(version), .. } => version,
        Did::Swap { .. } => 0,
    };
    for read in ops.iter().filter(|op| matches!(op.did, Did::Read { .. })) {
        let before = ops.iter().filter(|op| op.ended < read.begun).map(seen).max().unwrap_or(0);
        assert!(seen(read) >= before, "{key}: {read:?} is stale, {before} was known: {ops:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_anywhere_sees_what_was_written_anywhere() {
    let world = World::of(3).await;
    let key = Key::parse("a").unwrap();
    for version in 0..60_u64 {
        let (writer, reader) = (&world.nodes[version as usize % 3].raft, &world.nodes[version as usize % 2 + 1].raft);
        let body = crate::Body::new(version.to_string()).unwrap();
        let over = (version > 0).then_some(version);
        let written = writer.write(&key, over, u128::from(version) + 1, body).await;
        assert_eq!(written, crate::Written::Applied { version: version + 1 });
        assert_eq!(reader.read(&key).await.unwrap().unwrap().version, version + 1);
    }
}
