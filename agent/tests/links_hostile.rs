//! What comes from outside is hostile or torn: it costs the one who sends it, and nobody else.
#![allow(clippy::unwrap_used)] // tests

mod links_world;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::SystemTime;

use hotseat_agent::links::Lane;
use links_world::{Cluster, Node, PATIENCE, ended, frame, hello, inside, raw, read_frame};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

async fn still_serves(cluster: &Cluster, node: &Node) {
    cluster.install("friend", 77, SystemTime::now(), true);
    let friend = Node::start(cluster.identity("friend"), hotseat_agent::links::Limits::default()).await;
    assert_eq!(friend.ask(&node.peer, Lane::Votes, b"who").await.unwrap(), b"friend 77 Votes");
}

#[tokio::test]
async fn noise_instead_of_tls_ends_the_connection() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    for noise in
        [b"\x16".repeat(100_000), b"\x16\x03\x01\xff\xff".to_vec(), b"\x01HSLINK1".to_vec(), b"GET / ".to_vec()]
    {
        let mut stream = TcpStream::connect(a.address).await.unwrap();
        drop(stream.write_all(&noise).await);
        drop(stream.shutdown().await);
        ended(&mut stream).await;
    }
    still_serves(&cluster, &a).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stands_still_at_any_stage_is_sent_away() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    cluster.install("b", 2, SystemTime::now(), true);
    let mut slow = JoinSet::new();
    for said in [b"".as_slice(), b"\x16", b"\x16\x03\x01\x02\x00\x01\x00"] {
        let mut stream = TcpStream::connect(a.address).await.unwrap();
        stream.write_all(said).await.unwrap();
        slow.spawn(async move { ended(&mut stream).await });
    }
    let greeting = hello("netmon", "b", 2, 4, [1, 1]);
    for said in [0, 1, 13, greeting.len() - 1] {
        let mut stream = raw(a.address, Some(&cluster.folder("b")), b"hotseat/1").await.unwrap();
        stream.write_all(&greeting[..said]).await.unwrap();
        slow.spawn(async move { ended(&mut stream).await });
    }
    for said in [0, 5] {
        let mut stream = raw(a.address, None, b"hotseat-join/1").await.unwrap();
        stream.write_all(&frame(3, 0, b"x")[..said]).await.unwrap();
        slow.spawn(async move { ended(&mut stream).await });
    }
    still_serves(&cluster, &a).await;
    while let Some(done) = slow.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_crowd_at_the_door_keeps_no_other_out() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    let mut crowd = Vec::new();
    for _ in 0..100 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        crowd.push(socket.connect(a.address).await.unwrap());
    }
    still_serves(&cluster, &a).await;
    // The first ones went for those who came last, long before their time at the door was over.
    ended(crowd.first_mut().unwrap()).await;
}

#[tokio::test]
async fn hostile_hellos_are_refused() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    cluster.install("b", 2, SystemTime::now(), true);
    let good = hello("netmon", "b", 2, 4, [1, 1]);
    let mut hostile = vec![
        [&u32::MAX.to_be_bytes(), &good[4..]].concat(),
        [&2_000_u32.to_be_bytes(), &good[4..], &[0; 4_000]].concat(),
        frame(1, 0, b""),
        frame(1, 0, b"HSLK"),
        frame(1, 0, &vec![0xff; 1_024]),
        frame(3, 0, &good[13..]),
        frame(99, 0, &good[13..]),
        hello("netmon", "b", 2, 9, [1, 1]),
        hello("../../etc", "b", 2, 4, [1, 1]),
        hello("netmon", &"b".repeat(500), 2, 4, [1, 1]),
    ];
    // A name that says it is four thousand million bytes long.
    let mut long = good.clone();
    long[21..23].copy_from_slice(&[0xff; 2]);
    hostile.push(long);
    for (at, said) in hostile.iter().enumerate() {
        let mut stream = raw(a.address, Some(&cluster.folder("b")), b"hotseat/1").await.unwrap();
        drop(stream.write_all(said).await);
        if let Ok((kind, _)) = read_frame(&mut stream).await {
            assert_eq!(kind, 2, "hello {at} was answered");
        }
        ended(&mut stream).await;
    }
    still_serves(&cluster, &a).await;
}

#[tokio::test]
async fn who_is_inside_is_bounded_too() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    cluster.install("b", 2, SystemTime::now(), true);
    let too_long = (Lane::Control.frame_max() + 1) as u32;
    let hostile = [
        [&too_long.to_be_bytes(), [3].as_slice(), &[0; 8]].concat(),
        [&u32::MAX.to_be_bytes(), [3].as_slice(), &[0; 8]].concat(),
        frame(1, 0, b"again"),
        frame(2, 0, b"refused"),
        frame(4, 1, b"an answer that nobody asked for"),
        frame(0, 1, b""),
        frame(200, 1, b""),
    ];
    for (at, said) in hostile.iter().enumerate() {
        let mut stream = inside(&a, &cluster, "b", 2).await;
        stream.write_all(said).await.unwrap();
        assert!(read_frame(&mut stream).await.is_err(), "frame {at} was answered");
    }
    still_serves(&cluster, &a).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_and_never_listens_is_not_read_for_ever() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    cluster.install("b", 2, SystemTime::now(), true);
    let mut stream = inside(&a, &cluster, "b", 2).await;
    let request = frame(3, 1, &vec![7; Lane::Control.frame_max()]);
    let mut taken = 0;
    let pushing = async {
        while stream.write_all(&request).await.is_ok() {
            taken += 1;
        }
    };
    timeout(PATIENCE, pushing).await.expect("it is cut off");
    // What the budget allows, and what the kernel's buffers take.
    assert!(taken < 100, "{taken} MiB were taken from one that takes nothing");
    still_serves(&cluster, &a).await;
}

static PANICS: AtomicUsize = AtomicUsize::new(0);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_inside_and_outside_never_makes_a_node_panic() {
    // A panic in a task of the node would not reach this one.
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Relaxed);
        before(info);
    }));
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    cluster.install("b", 2, SystemTime::now(), true);
    let mut runner = TestRunner::deterministic();
    let noise = prop::collection::vec(any::<u8>(), 0..200);
    let greeting = hello("netmon", "b", 2, 4, [1, 1]);
    for round in 0..150 {
        let mut said = noise.new_tree(&mut runner).unwrap().current();
        let mut stream = match round % 3 {
            0 => inside(&a, &cluster, "b", 2).await,
            _ => raw(a.address, Some(&cluster.folder("b")), b"hotseat/1").await.unwrap(),
        };
        if round % 3 == 1 {
            // Nearly a good hello.
            let at = said.first().map_or(0, |byte| *byte as usize % greeting.len());
            let byte = said.get(1).copied().unwrap_or(0);
            said = greeting.clone();
            said[at] = byte;
        }
        drop(stream.write_all(&said).await);
        drop(stream.shutdown().await);
        ended(&mut stream).await;
    }
    still_serves(&cluster, &a).await;
    assert_eq!(PANICS.load(Relaxed), 0);
}
