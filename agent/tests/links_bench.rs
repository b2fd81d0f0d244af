//! What links cost, over loopback with TLS: `cargo test --release -p hotseat-agent --test links_bench -- --ignored --nocapture`
#![allow(clippy::unwrap_used)] // a bench

mod links_world;

use std::time::Duration;

use hotseat_agent::links::{Lane, Limits};
use links_world::{Cluster, Node, PATIENCE};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Processor time of this process so far.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = [fields[11], fields[12]].iter().map(|it| it.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

fn part(sorted: &[Duration], of_thousand: usize) -> Duration {
    sorted[(sorted.len() - 1) * of_thousand / 1_000]
}

async fn round_trips(a: &Node, b: &Node, lane: Lane, size: usize, count: usize) {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        a.ask(&b.peer, lane, &vec![7; size]).await.unwrap();
        times.push(began.elapsed());
    }
    times.sort();
    let (half, most) = (part(&times, 500), part(&times, 990));
    println!("{lane:?}, {size} bytes there and back: p50 {half:?}, p99 {most:?}");
}

async fn throughput(a: &Node, b: &Node, callers: usize) {
    let (mut calls, began, each) = (JoinSet::new(), Instant::now(), 2_000);
    for _ in 0..callers {
        let (links, peer) = (a.links.clone(), b.peer.clone());
        calls.spawn(async move {
            for _ in 0..each {
                links.call(&peer, Lane::Log, vec![7; 256], PATIENCE).await.unwrap();
            }
        });
    }
    while let Some(done) = calls.join_next().await {
        done.unwrap();
    }
    let per_second = (callers * each) as f64 / began.elapsed().as_secs_f64();
    println!("{callers} callers at once, 256 bytes: {per_second:.0} calls/s");
}

/// Three nodes, each renewing with both others twelve times a second and being acknowledged.
async fn rest(nodes: &mut [Node; 3]) {
    let (time, before) = (Duration::from_secs(10), processor_time());
    let mut beat = interval(Duration::from_millis(83));
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let began = Instant::now();
    while began.elapsed() < time {
        beat.tick().await;
        for from in nodes.iter() {
            for to in nodes.iter().filter(|to| to.peer.id != from.peer.id) {
                from.links.send(&to.peer, b"renewal of sixty-four bytes, as one of them is about that long..".to_vec());
            }
        }
    }
    let spent = processor_time() - before;
    let heard: usize = nodes.iter_mut().map(|node| std::iter::from_fn(|| node.heard.try_recv().ok()).count()).sum();
    println!("three nodes at rest for {time:?}: {heard} messages, {spent:?} of processor time for all three");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a bench: it measures, and fails at nothing"]
async fn what_links_cost() {
    let cluster = Cluster::new("netmon");
    let mut nodes = [cluster.node("a", 1).await, cluster.node("b", 2).await, cluster.node("c", 3).await];
    let began = Instant::now();
    nodes[0].ask(&nodes[1].peer, Lane::Control, b"first").await.unwrap();
    println!("connecting, with the first call: {:?}", began.elapsed());
    for (lane, size, count) in
        [(Lane::Votes, 64, 20_000), (Lane::Log, 4_096, 10_000), (Lane::Log, 1 << 20, 300), (Lane::Bulk, 16 << 20, 20)]
    {
        round_trips(&nodes[0], &nodes[1], lane, size, count).await;
    }
    for callers in [1, 16, 64] {
        throughput(&nodes[0], &nodes[1], callers).await;
    }
    rest(&mut nodes).await;
}

fn run(line: &str) {
    let words: Vec<_> = line.split(' ').collect();
    assert!(std::process::Command::new(words[0]).args(&words[1..]).status().unwrap().success(), "{line}");
}

/// Messages are sent as at `timing = "fast"` meanwhile. How long after the network is back the first one arrives.
async fn partition(a: &Node, b: &mut Node, lasts: Duration) {
    let mut beat = interval(Duration::from_millis(83));
    run("nft add table inet cut");
    run("nft add chain inet cut everything { type filter hook input priority 0 ; policy drop ; }");
    let began = Instant::now();
    while began.elapsed() < lasts {
        beat.tick().await;
        a.links.send(&b.peer, b"cut".to_vec());
    }
    while b.heard.try_recv().is_ok() {}
    run("nft delete table inet cut");
    let healed = Instant::now();
    let back = loop {
        tokio::select! {
            _ = beat.tick() => a.links.send(&b.peer, b"cut".to_vec()),
            _ = b.heard.recv() => break healed.elapsed(),
        }
    };
    println!("back {back:?} after a partition of {lasts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a bench: it cuts the network off, so it has to be run with `unshare -n sh -c 'ip link set lo up; …'`"]
async fn how_soon_links_are_back() {
    if std::env::var_os("HOTSEAT_OWN_NETWORK").is_none() {
        return println!("say HOTSEAT_OWN_NETWORK=1 in a network namespace of its own");
    }
    let cluster = Cluster::new("netmon");
    cluster.install("a", 1, std::time::SystemTime::now(), true);
    let limits = Limits { silence: Duration::from_millis(500), ..Limits::default() };
    let (a, mut b) = (Node::start(cluster.identity("a"), limits).await, cluster.node("b", 2).await);
    a.ask(&b.peer, Lane::Votes, b"hello").await.unwrap();
    for millis in [100, 300, 600, 1_000, 1_300, 2_000, 2_900, 5_100, 10_000] {
        partition(&a, &mut b, Duration::from_millis(millis)).await;
    }
}
