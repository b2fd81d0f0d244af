//! Whom a node lets in, whom it goes to, and what it says when it does not.
#![allow(clippy::unwrap_used)] // tests

mod links_world;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use hotseat_agent::identity::{Authority, Given, Identity, Keeper, Name, NodeKey, Source};
use hotseat_agent::links::{Admission, JoinAsk, JoinError, Lane, Limits, LinkError, Peer, come, renew};
use links_world::{Cluster, DAY, Node, PATIENCE, hello, name, plain, raw, read_frame, refusal};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::timeout;

#[tokio::test]
async fn another_cas_nodes_are_strangers_both_ways() {
    let (ours, theirs) = (Cluster::new("netmon"), Cluster::new("netmon"));
    let (a, b) = (ours.node("a", 1).await, theirs.node("b", 2).await);
    let why = refusal(a.ask(&b.peer, Lane::Log, b"hello").await);
    assert!(why.contains("not from this cluster's CA"), "{why}");
    // One that looks at nothing is not let in either.
    let mut stream = raw(a.address, Some(&theirs.folder("b")), b"hotseat/1").await.unwrap();
    drop(stream.write_all(&hello("netmon", "b", 2, 4, [1, 1])).await);
    assert!(read_frame(&mut stream).await.is_err());
}

#[tokio::test]
async fn another_cluster_of_the_same_ca_is_refused() {
    let ours = Cluster::new("netmon");
    let a = ours.node("a", 1).await;
    let mut theirs = Cluster::new("billing");
    let (ca, key, join) = (ours.authority.ca_pem(), ours.authority.ca_key_pem(), ours.authority.join_key());
    theirs.authority = Authority::from_parts(&name("billing"), ca, &key, &join).unwrap();
    let b = theirs.node("b", 2).await;
    for why in [refusal(a.ask(&b.peer, Lane::Log, b"hello").await), refusal(b.ask(&a.peer, Lane::Log, b"hello").await)]
    {
        assert!(why.contains("\"netmon\"") && why.contains("\"billing\""), "{why}");
    }
    // It may call itself what it likes.
    let mut stream = raw(a.address, Some(&theirs.folder("b")), b"hotseat/1").await.unwrap();
    stream.write_all(&hello("netmon", "b", 2, 4, [1, 1])).await.unwrap();
    let (kind, why) = read_frame(&mut stream).await.unwrap();
    assert_eq!(kind, 2);
    assert!(String::from_utf8(why).unwrap().contains("\"billing\""));
}

#[tokio::test]
async fn what_a_hello_claims_has_to_be_in_the_certificate() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    cluster.install("b", 2, SystemTime::now(), true);
    for (node, id) in [("c", 2), ("b", 3), ("a", 1)] {
        let mut stream = raw(a.address, Some(&cluster.folder("b")), b"hotseat/1").await.unwrap();
        stream.write_all(&hello("netmon", node, id, 4, [1, 1])).await.unwrap();
        let (kind, why) = read_frame(&mut stream).await.unwrap();
        let why = String::from_utf8(why).unwrap();
        assert!(kind == 2 && why.contains("hotseat://netmon/b/2"), "{why}");
    }
}

#[tokio::test]
async fn a_node_goes_only_to_the_one_it_means() {
    let cluster = Cluster::new("netmon");
    let (a, b) = (cluster.node("a", 1).await, cluster.node("b", 2).await);
    for (node, id) in [("c", 2), ("b", 3)] {
        let wrong = Peer { id, name: name(node), address: b.peer.address.clone() };
        let why = refusal(a.ask(&wrong, Lane::Log, b"hello").await);
        assert!(why.contains("there is node \"b\" with the id 2"), "{why}");
    }
    assert!(refusal(a.ask(&a.peer, Lane::Log, b"hello").await).contains("own id"));
}

#[tokio::test]
async fn without_a_certificate_nobody_is_let_in() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    for alpn in [b"hotseat/1".as_slice(), b"http/1.1", b"hotseat/2"] {
        let Ok(mut stream) = raw(a.address, None, alpn).await else { continue };
        drop(stream.write_all(&hello("netmon", "b", 2, 4, [1, 1])).await);
        assert!(read_frame(&mut stream).await.is_err());
    }
    let b = Node::start(plain("netmon", "b", 2), Limits::default()).await;
    assert!(b.ask(&a.peer, Lane::Log, b"hello").await.is_err(), "without TLS");
    assert!(a.ask(&b.peer, Lane::Log, b"hello").await.is_err(), "to one without TLS");
}

#[tokio::test]
async fn an_expired_certificate_is_refused_and_named_on_both_sides() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    cluster.install("b", 2, SystemTime::now() - 91 * DAY, true);
    let b = Node::start(cluster.identity("b"), Limits::default()).await;
    let why = refusal(a.ask(&b.peer, Lane::Log, b"hello").await);
    assert!(why.contains("its certificate has expired"), "{why}");
    let why = refusal(b.ask(&a.peer, Lane::Log, b"hello").await);
    assert!(why.contains("our certificate has expired"), "{why}");
    // A new one is used from the next try on.
    cluster.install("b", 2, SystemTime::now(), true);
    b.identity.send_replace(cluster.identity("b"));
    assert_eq!(b.ask(&a.peer, Lane::Log, b"hello").await.unwrap(), b"hello");
}

#[tokio::test]
async fn a_connection_ends_with_its_certificate() {
    let cluster = Cluster::new("netmon");
    let a = cluster.node("a", 1).await;
    cluster.install("b", 2, SystemTime::now() + Duration::from_secs(3) - 90 * DAY, true);
    let b = Node::start(cluster.identity("b"), Limits::default()).await;
    assert_eq!(a.ask(&b.peer, Lane::Log, b"hello").await.unwrap(), b"hello");
    let expired = async {
        loop {
            match a.ask(&b.peer, Lane::Log, b"hello").await {
                Ok(_) | Err(LinkError::Lost) => tokio::task::yield_now().await,
                Err(why) => return why,
            }
        }
    };
    let why = timeout(PATIENCE, expired).await.unwrap().to_string();
    assert!(why.contains("expired"), "{why}");
}

#[tokio::test]
async fn versions_that_overlap_run_side_by_side_and_others_say_what_they_speak() {
    let cluster = Cluster::new("netmon");
    let speaking = async |node: &str, id, speaks, version: &str| {
        cluster.install(node, id, SystemTime::now(), true);
        Node::start(cluster.identity(node), Limits { speaks, version: version.into(), ..Limits::default() }).await
    };
    let old = speaking("old", 1, 1..=2, "0.1.0").await;
    let new = speaking("new", 2, 2..=4, "0.2.0").await;
    let mut newest = speaking("newest", 3, 3..=5, "0.3.0").await;
    assert!(
        old.ask(&new.peer, Lane::Log, b"hello").await.is_ok() && new.ask(&old.peer, Lane::Log, b"hi").await.is_ok()
    );
    for why in
        [refusal(old.ask(&newest.peer, Lane::Log, b"").await), refusal(newest.ask(&old.peer, Lane::Log, b"").await)]
    {
        assert!(why.contains("1 to 2") && why.contains("3 to 5") && why.contains("upgrade"), "{why}");
    }
    new.links.send(&newest.peer, b"hello".to_vec());
    let (from, _) = newest.hears().await;
    assert_eq!((from.version.as_str(), from.protocol), ("0.2.0", 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_replaced_under_load_and_no_call_fails() {
    let cluster = Cluster::new("netmon");
    let (a, mut b) = (cluster.node("a", 1).await, cluster.node("b", 2).await);
    let mut calls = JoinSet::new();
    let (links, peer) = (a.links.clone(), b.peer.clone());
    calls.spawn(async move { links.call(&peer, Lane::Log, b"wait".to_vec(), PATIENCE).await.unwrap().len() });
    b.waits().await;
    let done = tokio_util::sync::CancellationToken::new();
    for _ in 0..8 {
        let (links, peer, done) = (a.links.clone(), b.peer.clone(), done.clone());
        calls.spawn(async move {
            let mut answered = 0;
            while !done.is_cancelled() {
                assert_eq!(links.call(&peer, Lane::Log, vec![1; 100], PATIENCE).await.unwrap().len(), 100);
                answered += 1;
            }
            answered
        });
    }
    for turn in 0..5 {
        let before = b.accepted.load(Relaxed);
        assert_eq!(before, turn + 1, "one connection for each certificate");
        cluster.install("a", 1, SystemTime::now(), true);
        a.identity.send_replace(cluster.identity("a"));
        let replaced = async {
            while b.accepted.load(Relaxed) == before || a.ask(&b.peer, Lane::Log, b"x").await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, replaced).await.unwrap();
        if turn == 0 {
            // The call that began on the first connection is answered on it.
            b.echo.gate.notify_one();
            assert_eq!(calls.join_next().await.unwrap().unwrap(), 4);
        }
    }
    done.cancel();
    while let Some(answered) = calls.join_next().await {
        assert!(answered.unwrap() > 0);
    }
}

#[tokio::test]
async fn a_witness_has_its_certificate_renewed_by_a_member() {
    let cluster = Cluster::new("netmon");
    let (a, other) = (cluster.node("a", 1).await, cluster.node("c", 3).await);
    cluster.install("w", 2, SystemTime::now() - 80 * DAY, false);
    let source = Source::Own(cluster.folder("w"), name("netmon"), name("w"));
    let keeper = Arc::new(Keeper::open(source).unwrap());
    let before = keeper.health(SystemTime::now()).unwrap().expires_in;
    let w = Node::start(keeper.watch().borrow().clone(), Limits::default()).await;
    // A witness cannot renew another's.
    let request = NodeKey::generate().unwrap().request().unwrap();
    let why = a.links.renew(&w.peer, request, PATIENCE).await.unwrap_err();
    assert!(matches!(&why, LinkError::Failed(why) if why.contains("ask another")), "{why}");
    let nobody = Peer { id: 9, name: name("gone"), address: "127.0.0.1:1".to_owned() };
    renew(&keeper, &w.links, &[w.peer.clone(), nobody, a.peer.clone(), other.peer.clone()]).await.unwrap();
    let identity = keeper.watch().borrow().clone();
    assert!(identity.health(SystemTime::now()).unwrap().expires_in > before + 70 * DAY);
    assert_eq!(identity.certificate().unwrap().hosts, ["127.0.0.1"]);
    w.identity.send_replace(identity);
    assert_eq!(w.ask(&a.peer, Lane::Votes, b"who").await.unwrap(), b"w 2 Votes");
}

#[tokio::test]
async fn a_request_for_renewal_certifies_its_sender_and_nobody_else() {
    let cluster = Cluster::new("netmon");
    let (a, b) = (cluster.node("a", 1).await, cluster.node("b", 2).await);
    let key = NodeKey::generate().unwrap();
    let cert = b.links.renew(&a.peer, key.request().unwrap(), PATIENCE).await.unwrap();
    cluster.folder("b2").install(cluster.authority.ca_pem(), None, &key, &cert).unwrap();
    let found = Identity::load(&cluster.folder("b2"), &name("netmon"), &name("b")).unwrap();
    assert_eq!(found.name(), &Name { cluster: name("netmon"), node: name("b"), id: 2 });
    for torn in ["", "-----BEGIN", "nonsense", &"x".repeat(100_000)] {
        let failed = b.links.renew(&a.peer, torn.to_owned(), PATIENCE).await.unwrap_err();
        assert!(matches!(failed, LinkError::Failed(_)), "{failed}");
    }
}

/// A certificate in nobody's special way: a DNS name and no URI.
fn foreign(cluster: &Cluster, node: &str) -> Given {
    let folder = cluster.dir.path().join(format!("{node}-given"));
    std::fs::create_dir_all(&folder).unwrap();
    let given = Given { ca: folder.join("ca.pem"), cert: folder.join("cert.pem"), key: folder.join("key.pem") };
    let ca_key = rcgen::KeyPair::from_pem(&cluster.authority.ca_key_pem()).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_pem(cluster.authority.ca_pem(), ca_key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new([node.to_owned()]).unwrap();
    params.extended_key_usages =
        vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth, rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    std::fs::write(&given.ca, cluster.authority.ca_pem()).unwrap();
    std::fs::write(&given.cert, params.signed_by(&key, &issuer).unwrap().pem()).unwrap();
    std::fs::write(&given.key, key.serialize_pem()).unwrap();
    given
}

#[tokio::test]
async fn certificates_made_elsewhere_are_good_for_members_that_are_known() {
    let cluster = Cluster::new("netmon");
    let given = |node: &str, id| {
        let own = Name { cluster: name("netmon"), node: name(node), id };
        Arc::new(Identity::given(&foreign(&cluster, node), own).unwrap())
    };
    let known = vec![(1, name("a")), (2, name("b"))];
    let a = Node::start_knowing(given("a", 1), Limits::default(), known.clone()).await;
    let b = Node::start_knowing(given("b", 2), Limits::default(), known.clone()).await;
    assert_eq!(b.ask(&a.peer, Lane::Log, b"who").await.unwrap(), b"b 2 Log");
    // It holds a good certificate, but the id is another's.
    let c = Node::start_knowing(given("b", 3), Limits::default(), known).await;
    assert!(refusal(c.ask(&a.peer, Lane::Log, b"who").await).contains("no member \"b\" has the id 3"));
    let posing = Name { cluster: name("netmon"), node: name("b"), id: 2 };
    let why = Identity::given(&foreign(&cluster, "c"), posing).unwrap_err().to_string();
    assert!(why.contains("this node is \"b\""), "{why}");
}

#[tokio::test]
async fn a_certificate_made_elsewhere_lets_its_own_node_in_and_no_other() {
    let cluster = Cluster::new("netmon");
    let own = |node: &str, id| Name { cluster: name("netmon"), node: name(node), id };
    let given = |node: &str, id| Arc::new(Identity::given(&foreign(&cluster, node), own(node, id)).unwrap());
    let a = Node::start_knowing(given("a", 1), Limits::default(), Vec::new()).await;
    let members = vec![a.peer.clone()];
    *a.echo.joins.lock().unwrap() = Box::new(move |_| Ok(Admission { members: members.clone(), config: None }));
    let address = [a.peer.address.clone()];
    let ask = |node: &str| JoinAsk {
        name: name(node),
        id: 42,
        address: "127.0.0.1:7799".into(),
        witness: false,
        version: "0.1.0".into(),
    };
    let joined = come(&given("b", 42), &address, &ask("b")).await.unwrap();
    assert_eq!((joined.members.as_slice(), joined.may_invite()), ([a.peer.clone()].as_slice(), false));
    let refused = |why: JoinError| why.to_string();
    let why = refused(come(&given("b", 42), &address, &ask("c")).await.unwrap_err());
    assert!(why.contains("its certificate is for b, rcgen self signed cert, and it wants to be node \"c\""), "{why}");
    // One of the cluster's own making is its node's, which is on the roll, or was taken off it.
    cluster.install("d", 42, SystemTime::now(), true);
    let why = refused(come(&cluster.identity("d"), &address, &ask("d")).await.unwrap_err());
    assert!(why.contains("come with a token"), "{why}");
    let others = Cluster::new("netmon");
    let stranger = Identity::given(&foreign(&others, "b"), own("b", 42)).unwrap();
    assert!(matches!(come(&stranger, &address, &ask("b")).await, Err(JoinError::Nobody(_))));
}
