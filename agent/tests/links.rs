//! Links between nodes that trust each other: requests, messages, and what happens when a connection breaks.
#![allow(clippy::unwrap_used)] // tests

mod links_world;

use std::sync::Arc;
use std::time::Duration;

use hotseat_agent::links::{Lane, Limits, LinkError, Peer, Speaks};
use links_world::{Cluster, Node, PATIENCE, name, plain, refusal};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

#[tokio::test]
async fn three_nodes_ask_each_other_on_all_lanes() {
    let cluster = Cluster::new("netmon");
    let nodes = [cluster.node("a", 1).await, cluster.node("b", 2).await, cluster.node("c", 0xc0ffee).await];
    for from in &nodes {
        for to in nodes.iter().filter(|to| to.peer.id != from.peer.id) {
            for lane in Lane::ALL {
                let answer = from.ask(&to.peer, lane, b"who").await.unwrap();
                let expected = format!("{} {} {lane:?}", from.peer.name, from.peer.id);
                assert_eq!(String::from_utf8(answer).unwrap(), expected);
            }
        }
    }
}

#[tokio::test]
async fn answers_come_in_any_order() {
    let cluster = Cluster::new("netmon");
    let (a, mut b) = (cluster.node("a", 1).await, cluster.node("b", 2).await);
    let (links, peer) = (a.links.clone(), b.peer.clone());
    let slow = tokio::spawn(async move { links.call(&peer, Lane::Control, b"wait for it".to_vec(), PATIENCE).await });
    b.waits().await;
    assert_eq!(a.ask(&b.peer, Lane::Control, b"quick").await.unwrap(), b"quick");
    b.echo.gate.notify_one();
    assert_eq!(slow.await.unwrap().unwrap(), b"wait for it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_at_once_each_get_their_own_answer() {
    let cluster = Cluster::new("netmon");
    let (a, b) = (cluster.node("a", 1).await, cluster.node("b", 2).await);
    let mut calls = JoinSet::new();
    for n in 0..1_000_u32 {
        let (links, peer, lane) = (a.links.clone(), b.peer.clone(), Lane::ALL[n as usize % 4]);
        calls.spawn(async move {
            let request = [n.to_be_bytes().as_slice(), &vec![n as u8; n as usize * 7]].concat();
            assert_eq!(links.call(&peer, lane, request.clone(), PATIENCE).await, Ok(request));
        });
    }
    while let Some(done) = calls.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_frame_may_be_as_long_as_its_lane_allows_and_no_longer() {
    let cluster = Cluster::new("netmon");
    let (a, b) = (cluster.node("a", 1).await, cluster.node("b", 2).await);
    for lane in Lane::ALL {
        let most = vec![7; lane.frame_max()];
        assert_eq!(a.ask(&b.peer, lane, &most).await.unwrap(), most);
        let more = vec![7; lane.frame_max() + 1];
        assert_eq!(a.ask(&b.peer, lane, &more).await, Err(LinkError::TooLarge(more.len(), most.len())));
        let Err(LinkError::Failed(why)) = a.ask(&b.peer, lane, b"long").await else { panic!("too long an answer") };
        assert!(why.contains("too long"), "{why}");
        assert_eq!(a.ask(&b.peer, lane, b"still here").await.unwrap(), b"still here");
    }
}

#[tokio::test]
async fn messages_arrive_and_replies_come_back_on_the_same_connection() {
    let cluster = Cluster::new("netmon");
    let (mut a, mut b) = (cluster.node("a", 1).await, cluster.node("b", 2).await);
    // Nobody can connect to a; its messages are acknowledged all the same.
    a.deaf();
    a.links.send(&b.peer, b"renewal 1".to_vec());
    let (from, message) = b.hears().await;
    assert_eq!((from.name, from.id, message.as_slice()), (name("a"), 1, b"renewal 1".as_slice()));
    assert_eq!(a.hears().await.1, b"ewal 1");
    assert!(!b.links.is_up(1, Lane::Votes) && a.links.is_up(2, Lane::Votes));
}

#[tokio::test]
async fn without_a_connection_the_newest_messages_are_kept() {
    let cluster = Cluster::new("netmon");
    let (a, mut b) = (cluster.node("a", 1).await, cluster.node("b", 2).await);
    for n in 0..100_u8 {
        a.links.send(&b.peer, vec![n]);
    }
    let mut heard = Vec::new();
    while heard.last() != Some(&99) {
        heard.extend(b.hears().await.1);
    }
    assert_eq!(heard, [96, 97, 98, 99]);
}

#[tokio::test]
async fn nobody_there_is_told_at_once_and_a_node_that_comes_back_is_found() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let nobody = Peer { id: 2, name: name("b"), address: address.to_string() };
    let Err(LinkError::Unreachable(why)) = a.ask(&nobody, Lane::Log, b"hello").await else { panic!("reached") };
    assert!(why.contains("\"b\"") && why.contains(&nobody.address) && why.contains("refused"), "{why}");
    // The same id, at another address now.
    let b = cluster.node("b", 2).await;
    assert_eq!(a.ask(&b.peer, Lane::Log, b"hello").await.unwrap(), b"hello");
}

#[tokio::test]
async fn a_call_that_is_cut_off_is_lost_and_the_next_one_works() {
    let cluster = Cluster::new("netmon");
    let (a, mut b) = (cluster.node("a", 1).await, cluster.node("b", 2).await);
    let (links, peer) = (a.links.clone(), b.peer.clone());
    let cut = tokio::spawn(async move { links.call(&peer, Lane::Log, b"wait".to_vec(), PATIENCE).await });
    b.waits().await;
    b.removed.send_replace(Arc::new([1].into()));
    assert_eq!(cut.await.unwrap(), Err(LinkError::Lost));
    assert!(LinkError::Lost.unknown());
    let turned_away = a.ask(&b.peer, Lane::Log, b"hello").await;
    assert!(matches!(turned_away, Err(LinkError::Removed(_))), "{turned_away:?}");
    b.removed.send_replace(Arc::default());
    assert_eq!(a.ask(&b.peer, Lane::Log, b"hello").await.unwrap(), b"hello");
}

#[tokio::test]
async fn when_the_links_go_their_connections_end() {
    let cluster = Cluster::new("netmon");
    let (a, mut b) = (cluster.node("a", 1).await, cluster.node("b", 2).await);
    let (links, peer) = (b.links.clone(), a.peer.clone());
    assert_eq!(a.ask(&b.peer, Lane::Log, b"hello").await.unwrap(), b"hello");
    let (asking, to) = (a.links.clone(), b.peer.clone());
    let cut = tokio::spawn(async move { asking.call(&to, Lane::Log, b"wait".to_vec(), PATIENCE).await });
    b.waits().await;
    b.deaf();
    drop((b, links));
    assert_eq!(cut.await.unwrap(), Err(LinkError::Lost));
    drop(peer);
}

/// What was sent last; the address behind which nobody reads.
async fn silent_peer() -> (TcpListener, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = Peer { id: 2, name: name("b"), address: listener.local_addr().unwrap().to_string() };
    (listener, peer)
}

#[tokio::test]
async fn a_peer_that_takes_the_connection_and_says_nothing_is_given_up() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    let (_listener, peer) = silent_peer().await;
    let Err(LinkError::Unreachable(why)) = a.ask(&peer, Lane::Votes, b"hello").await else { panic!("answered") };
    assert!(why.contains("does not answer"), "{why}");
}

#[tokio::test]
async fn a_half_dead_connection_is_replaced() {
    let cluster = Cluster::new("netmon");
    let limits = Limits { silence: Duration::from_millis(100), ..Limits::default() };
    cluster.install("a", 1, std::time::SystemTime::now(), true);
    let a = Node::start(cluster.identity("a"), limits).await;
    let mut b = cluster.node("b", 2).await;
    // Connected beforehand, so that the time is that of the answer alone.
    assert_eq!(a.ask(&b.peer, Lane::Votes, b"hello").await.unwrap(), b"hello");
    let allowed = Duration::from_secs(1);
    assert_eq!(a.links.call(&b.peer, Lane::Votes, b"wait".to_vec(), allowed).await, Err(LinkError::Timeout(allowed)));
    b.waits().await;
    // The answer to the first would come on the old connection.
    assert!(!a.links.is_up(2, Lane::Votes));
    assert_eq!(a.ask(&b.peer, Lane::Votes, b"hello").await.unwrap(), b"hello");
}

#[tokio::test]
async fn a_slow_answer_alone_does_not_end_a_connection() {
    let cluster = Cluster::new("netmon");
    cluster.install("a", 1, std::time::SystemTime::now(), true);
    let a = Node::start(cluster.identity("a"), Limits { silence: PATIENCE, ..Limits::default() }).await;
    let mut b = cluster.node("b", 2).await;
    assert_eq!(a.ask(&b.peer, Lane::Log, b"hello").await.unwrap(), b"hello");
    let allowed = Duration::from_millis(500);
    assert_eq!(a.links.call(&b.peer, Lane::Log, b"wait".to_vec(), allowed).await, Err(LinkError::Timeout(allowed)));
    b.waits().await;
    assert!(a.links.is_up(2, Lane::Log));
    assert_eq!(a.ask(&b.peer, Lane::Log, b"hello").await.unwrap(), b"hello");
}

#[tokio::test]
async fn requests_beyond_the_budget_wait_and_are_answered() {
    let cluster = Cluster::new("netmon");
    let (a, mut b) = (cluster.node("a", 1).await, cluster.node("b", 2).await);
    let mut calls = JoinSet::new();
    for _ in 0..6 {
        let (links, peer) = (a.links.clone(), b.peer.clone());
        calls.spawn(async move { links.call(&peer, Lane::Bulk, b"wait".to_vec(), PATIENCE).await });
    }
    for _ in 0..4 {
        b.waits().await;
    }
    assert!(b.waiting.try_recv().is_err(), "four at once, and no more");
    for _ in 0..2 {
        b.echo.gate.notify_one();
        b.waits().await;
    }
    let allowed = Duration::from_millis(1);
    let Err(LinkError::Unreachable(why)) = a.links.call(&b.peer, Lane::Bulk, Vec::new(), allowed).await else {
        panic!("there was room")
    };
    assert!(why.contains("under way"), "{why}");
    b.echo.gate.notify_waiters();
    while let Some(done) = calls.join_next().await {
        assert_eq!(done.unwrap().unwrap(), b"wait");
    }
}

#[tokio::test]
async fn without_tls_loopback_alone_is_spoken_to() {
    let (a, b) = (plain("netmon", "a", 1), plain("netmon", "b", 2));
    let (a, b) = (Node::start(a, Limits::default()).await, Node::start(b, Limits::default()).await);
    assert_eq!(a.ask(&b.peer, Lane::Log, b"who").await.unwrap(), b"a 1 Log");
    let other = Node::start(plain("other", "c", 3), Limits::default()).await;
    assert!(refusal(a.ask(&other.peer, Lane::Log, b"who").await).contains("cluster"));
}

#[tokio::test]
async fn a_link_is_told_from_http_by_its_first_byte() {
    assert_eq!([0x16, 1, b'H', b'G', b'P', 0].map(Speaks::of), {
        use Speaks::{Http, Plain, Tls};
        [Tls, Plain, Http, Http, Http, Http]
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    client.write_all(b"HEAD / HTTP/1.1\r\n").await.unwrap();
    assert_eq!(timeout(PATIENCE, Speaks::ask(&stream)).await.unwrap().unwrap(), Speaks::Http);
    drop(client);
}
