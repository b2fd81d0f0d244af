//! new_3: a planned switchover fails no request. Clients keep asking at their own pace, through every node's proxy; none
//! of what they ask is asked twice by them, and POST is asked twice by nobody.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::time::Duration;

use hotseat_lab::load::{Ask, Load, Outcome};
use hotseat_lab::spec::Store;
use hotseat_lab::{Cluster, Node, Spec, http};

const SWITCHOVERS: usize = 10;

/// Switches over again and again while clients ask.
fn check(spec: Spec, asks: &[Ask]) -> Outcome {
    let cluster = Cluster::settled(spec.hot().proxy("30s"));
    let proxies: Vec<SocketAddr> = cluster.nodes().iter().map(Node::proxy).collect();
    let load = Load::start(&proxies, asks);
    for _ in 0..SWITCHOVERS {
        let done = cluster.settle().cli(&["switchover", "--wait", "60s"]);
        assert_eq!(done.code, Some(0), "{done:?}");
    }
    let outcome = load.stop();
    println!("{outcome}");
    assert_eq!(outcome.failed, Vec::<String>::new());
    outcome
}

/// 200 requests a second on connections that are kept, by the service too.
fn new_3_no_request_fails(store: Store) {
    let asks = [Ask { request: "GET /", clients: 20, pace: Duration::from_millis(100) }];
    let outcome = check(Spec::demo().store(store), &asks);
    let epochs = outcome.bodies.len();
    assert!(epochs > 20, "every client saw more than one epoch, or nothing was shown: {epochs}");
}

/// Requests that take 300 ms, that nobody may repeat, and whose answer says whether the service still led at their end:
/// at every switchover some are under way.
fn new_3_long_requests_are_waited_for(store: Store) {
    let asks = [
        Ask { request: "POST /slow", clients: 8, pace: Duration::from_millis(200) },
        Ask { request: "GET /", clients: 5, pace: Duration::from_millis(100) },
    ];
    check(Spec::writer().store(store), &asks);
}

/// A request that never ends is waited for as long as it may take, and then cut: nobody mistakes what came of it for all.
fn new_3_no_request_holds_it_up_for_ever(store: Store) {
    let cluster = Cluster::settled(Spec::writer().store(store).hot().proxy("30s").drain("700ms"));
    let old = cluster.leader();
    let (mut stuck, _heard) = http::stuck(old.proxy());
    let done = old.cli(&["switchover", "--wait", "60s"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.took >= Duration::from_millis(700), "it was waited for: {:?}", done.took);
    let end = stuck.read(&mut [0; 1024]);
    assert_eq!(end.map_err(|why| why.kind()), Err(ErrorKind::ConnectionReset));
}

hotseat_lab::on_every_store!(
    new_3_no_request_fails,
    new_3_long_requests_are_waited_for,
    new_3_no_request_holds_it_up_for_ever,
);
