//! A change of several voters at once takes two steps, and between them two majorities are needed for everything. Nobody
//! may be left standing there.

use std::collections::{BTreeMap, BTreeSet};

use openraft::async_runtime::WatchReceiver;
use openraft::{EntryPayload, Membership};

use super::world::{World, eventually};

/// Has the member make the first step alone: two of the voters are to be two others, and both sets decide.
async fn half(world: &World, leader: usize, from: &BTreeSet<u64>, to: &BTreeSet<u64>) {
    let raft = &world.nodes[leader].raft.0.raft;
    let known = raft.metrics().borrow_watched().membership_config.clone();
    let nodes: BTreeMap<_, _> = known.nodes().map(|(id, peer)| (*id, peer.clone())).collect();
    let joint = Membership::new(vec![from.clone(), to.clone()], nodes).unwrap();
    raft.append_membership(joint, EntryPayload::Blank, []).await.unwrap();
}

/// The sets of voters that decide, as a member knows them.
fn sets(world: &World, at: usize) -> Vec<BTreeSet<u64>> {
    world.nodes[at].raft.0.metrics.borrow_watched().membership_config.get_joint_config().clone()
}

/// Three voters and two learners that have everything.
async fn five() -> (World, BTreeSet<u64>, BTreeSet<u64>) {
    let mut world = World::of(3).await;
    for _ in 0..2 {
        let at = world.add().await;
        world.nodes[0].raft.add_learner(world.peer(at)).await.unwrap();
        world.caught_up(at).await;
    }
    let ids: Vec<u64> = world.nodes.iter().map(|node| node.id).collect();
    (world, ids[..3].iter().copied().collect(), [ids[0], ids[3], ids[4]].into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_leader_was_lost_is_finished_by_the_next() {
    let (world, from, to) = five().await;
    half(&world, 0, &from, &to).await;
    world.net.isolate(world.nodes[0].id);
    let next = world.leader(&[0]).await;
    eventually("the new voters alone decide", async || sets(&world, next) == [to.clone()]).await;
    world.net.heal();
    eventually("everybody knows", async || (0..5).all(|at| sets(&world, at) == [to.clone()])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_was_given_up_is_finished_by_its_own_leader() {
    let (world, from, to) = five().await;
    half(&world, 0, &from, &to).await;
    eventually("the new voters alone decide", async || sets(&world, 0) == [to.clone()]).await;
}
