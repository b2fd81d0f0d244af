//! Joining a cluster with a token, and every way in which that can fail.
#![allow(clippy::unwrap_used)] // tests

mod links_world;

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use hotseat_agent::identity::{Authority, Identity, NodeKey, Token, TokenError};
use hotseat_agent::links::{Admission, JoinAsk, JoinError, Lane, Limits, join};
use links_world::{Cluster, DAY, Node, ended, frame, name, raw, read_frame};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

fn ask(node: &str, witness: bool) -> JoinAsk {
    JoinAsk { name: name(node), id: 42, address: "127.0.0.1:7799".into(), witness, version: "0.1.0".into() }
}

fn invite(cluster: &Cluster, members: &[&Node]) -> Token {
    let addresses: Vec<_> = members.iter().map(|node| node.peer.address.clone()).collect();
    cluster.authority.invite(&addresses, DAY, SystemTime::now()).unwrap()
}

#[tokio::test]
async fn a_new_node_gets_all_it_needs_and_is_one_of_them() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    let (seen, members) = (Arc::new(Mutex::new(Vec::new())), vec![a.peer.clone()]);
    let log = Arc::clone(&seen);
    *a.echo.joins.lock().unwrap() = Box::new(move |ask| {
        log.lock().unwrap().push((ask.name, ask.id, ask.address, ask.witness));
        Ok(Admission { members: members.clone(), config: Some("timing = \"fast\"".into()) })
    });
    for (node, witness) in [("b", false), ("w", true)] {
        let key = NodeKey::generate().unwrap();
        let line = invite(&cluster, &[&a]).to_string();
        let joined = join(&line.parse().unwrap(), &key, &ask(node, witness)).await.unwrap();
        assert_eq!((joined.members.as_slice(), joined.may_invite()), ([a.peer.clone()].as_slice(), !witness));
        assert_eq!(joined.config.as_deref(), Some("timing = \"fast\""));
        joined.install(&cluster.folder(node), &key).unwrap();
        let identity = Identity::load(&cluster.folder(node), &joined.cluster, &name(node)).unwrap();
        assert_eq!((identity.name().id, identity.authority().is_some()), (42, !witness));
        assert_eq!(identity.certificate().unwrap().hosts, ["127.0.0.1"]);
        let new = Node::start(Arc::new(identity), Limits::default()).await;
        assert_eq!(new.ask(&a.peer, Lane::Log, b"who").await.unwrap(), format!("{node} 42 Log").into_bytes());
    }
    let expected = |node, witness| (name(node), 42, "127.0.0.1:7799".to_owned(), witness);
    assert_eq!(*seen.lock().unwrap(), [expected("b", false), expected("w", true)]);
}

#[tokio::test]
async fn whoever_has_joined_can_let_the_next_one_in() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    let key = NodeKey::generate().unwrap();
    let mut token = invite(&cluster, &[&a]);
    join(&token, &key, &ask("b", false)).await.unwrap().install(&cluster.folder("b"), &key).unwrap();
    let b = Node::start(cluster.identity("b"), Limits::default()).await;
    drop(a);
    // The token was made while a was alone; b has kept nothing about it.
    token.addresses.push(b.peer.address.clone());
    let key = NodeKey::generate().unwrap();
    assert!(join(&token, &key, &ask("c", false)).await.unwrap().may_invite());
}

#[tokio::test]
async fn a_refusal_is_passed_on_and_ends_the_search() {
    let cluster = Cluster::new("netmon");
    let (a, b) = (cluster.node("a", 1).await, cluster.node("b", 2).await);
    *a.echo.joins.lock().unwrap() = Box::new(|ask| Err(format!("the name \"{}\" is taken", ask.name)));
    let key = NodeKey::generate().unwrap();
    let why = join(&invite(&cluster, &[&a, &b]), &key, &ask("b", false)).await.unwrap_err();
    assert_eq!(why, JoinError::Refused(a.peer.address.clone(), "the name \"b\" is taken".into()));
    a.removed.send_replace(Arc::new([42].into()));
    let why = join(&invite(&cluster, &[&a]), &key, &ask("c", false)).await.unwrap_err().to_string();
    assert!(why.contains("was removed"), "{why}");
}

#[tokio::test]
async fn a_cluster_with_another_fingerprint_is_shown_no_secret() {
    let (ours, theirs) = (Cluster::new("netmon"), Cluster::new("netmon"));
    let (a, b) = (ours.node("a", 1).await, theirs.node("b", 2).await);
    let key = NodeKey::generate().unwrap();
    *b.echo.joins.lock().unwrap() = Box::new(|_| panic!("it was asked"));
    let why = join(&invite(&ours, &[&b]), &key, &ask("c", false)).await.unwrap_err().to_string();
    assert!(why.contains(&b.peer.address) && why.contains("fingerprint"), "{why}");
    // An address that has become another's is passed over.
    assert!(join(&invite(&ours, &[&b, &a]), &key, &ask("c", false)).await.is_ok());
}

#[tokio::test]
async fn tokens_that_are_over_or_forged_are_refused_by_the_member_too() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    *a.echo.joins.lock().unwrap() = Box::new(|_| panic!("it was asked"));
    let key = NodeKey::generate().unwrap();
    let address = [a.peer.address.clone()];
    let mut old = cluster.authority.invite(&address, DAY, SystemTime::now() - 2 * DAY).unwrap();
    let why = join(&old, &key, &ask("b", false)).await.unwrap_err();
    assert!(matches!(why, JoinError::Token(TokenError::Expired(ago)) if ago > DAY / 2), "{why}");
    // One who lengthens its life has no secret for that.
    old.expires += 1_000_000;
    let why = join(&old, &key, &ask("b", false)).await.unwrap_err();
    assert!(why.to_string().contains("not made by this cluster"), "{why}");
    // Nor has one whose join key was replaced.
    let other = Cluster::new("netmon").authority.join_key();
    let (ca, ca_key) = (cluster.authority.ca_pem(), cluster.authority.ca_key_pem());
    let replaced = Authority::from_parts(&cluster.name, ca, &ca_key, &other).unwrap();
    let forged = replaced.invite(&address, DAY, SystemTime::now()).unwrap();
    let why = join(&forged, &key, &ask("b", false)).await.unwrap_err();
    assert!(why.to_string().contains("not made by this cluster"), "{why}");
}

#[tokio::test]
async fn a_member_whose_clock_is_ahead_says_that_the_token_is_over() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    let token =
        cluster.authority.invite(std::slice::from_ref(&a.peer.address), DAY, SystemTime::now() - 2 * DAY).unwrap();
    // As a node whose own clock is late would send it.
    let mut stream = raw(a.address, None, b"hotseat-join/1").await.unwrap();
    let key = NodeKey::generate().unwrap();
    let line = token.to_string();
    let secret = secret_of(&line);
    let question = postcard::to_stdvec(&(
        &cluster.name,
        (0_u32, (token.id, token.expires, secret), key.request().unwrap()),
        ask("b", false),
    ));
    stream.write_all(&frame(3, 0, &question.unwrap())).await.unwrap();
    let (_, verdict) = read_frame(&mut stream).await.unwrap();
    assert!(String::from_utf8_lossy(&verdict).contains("this token expired 24 h ago"));
}

/// The secret is the last part of a token, before its four bytes of check.
fn secret_of(line: &str) -> [u8; 32] {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&line[5..]).unwrap();
    bytes[bytes.len() - 36..bytes.len() - 4].try_into().unwrap()
}

#[tokio::test]
async fn nobody_to_be_asked_is_told_address_by_address() {
    let cluster = Cluster::new("netmon");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap().to_string();
    drop(listener);
    cluster.install("w", 9, SystemTime::now(), false);
    let witness = Node::start(cluster.identity("w"), Limits::default()).await;
    let addresses = [closed.clone(), "no.such.host.invalid:1".to_owned(), witness.peer.address.clone()];
    let token = cluster.authority.invite(&addresses, DAY, SystemTime::now()).unwrap();
    let why = join(&token, &NodeKey::generate().unwrap(), &ask("b", false)).await.unwrap_err();
    let JoinError::Nobody(tried) = &why else { panic!("{why}") };
    assert_eq!(tried.iter().map(|(address, _)| address.clone()).collect::<Vec<_>>(), addresses);
    assert!(tried[0].1.contains("refused") && tried[2].1.contains("does not let new nodes in"), "{why}");
    assert!(why.to_string().starts_with("none of the members"), "{why}");
}

#[tokio::test]
async fn a_newcomers_connection_can_do_nothing_else() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    *a.echo.joins.lock().unwrap() = Box::new(|_| panic!("it was asked"));
    let hostile = [
        links_world::hello("netmon", "b", 2, 4, [1, 1]),
        frame(6, 0, b"renewal"),
        frame(7, 0, b"-----BEGIN"),
        frame(3, 0, b"nonsense"),
        frame(3, 0, b""),
        frame(3, 0, &vec![0xff; 16 * 1024]),
        [&u32::MAX.to_be_bytes(), [3].as_slice(), &[0; 8]].concat(),
    ];
    for said in hostile {
        let mut stream = raw(a.address, None, b"hotseat-join/1").await.unwrap();
        stream.write_all(&said).await.unwrap();
        if let Ok((kind, verdict)) = read_frame(&mut stream).await {
            assert_eq!(kind, 4);
            assert!(String::from_utf8_lossy(&verdict).contains("not understood"));
        }
        ended(&mut stream).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_joins_is_held_off_and_members_talk_on() {
    let cluster = Cluster::new("netmon");
    let (a, b) = (cluster.node("a", 1).await, cluster.node("b", 2).await);
    // The log is slow: whoever is let in waits for the test.
    a.echo.slow_joins.store(true, Relaxed);
    let mut storm = JoinSet::new();
    for _ in 0..20 {
        let token = invite(&cluster, &[&a]);
        storm.spawn(async move { join(&token, &NodeKey::generate().unwrap(), &ask("c", false)).await });
    }
    // Four are decided on; the others are sent away.
    for _ in 0..16 {
        let turned_away = storm.join_next().await.unwrap().unwrap().unwrap_err();
        assert!(turned_away.to_string().contains("try again"), "{turned_away}");
    }
    assert_eq!(b.ask(&a.peer, Lane::Votes, b"who").await.unwrap(), b"b 2 Votes");
    a.echo.slow_joins.store(false, Relaxed);
    a.echo.gate.notify_waiters();
    while let Some(joined) = storm.join_next().await {
        joined.unwrap().unwrap();
    }
}
