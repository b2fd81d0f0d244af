//! new_1, the part of the proxies: once a newer epoch is known nothing of the old one reaches a client, and nothing of a
//! client the old leader, however alive that is.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{ErrorKind, Read};

use hotseat_lab::spec::Store;
use hotseat_lab::{CEILING, Cluster, Spec, http};

fn epoch(head: &str) -> Option<u64> {
    head.lines().find_map(|line| line.strip_prefix("x-hotseat-epoch: ")?.parse().ok())
}

/// A leader's whole machine is frozen while it answers, and thaws when another leads.
fn new_1_the_proxies_enforce_the_epoch(store: Store) {
    let cluster = Cluster::settled(Spec::writer().hot().store(store).cluster("timing", "\"fast\"").proxy("30s"));
    let old = cluster.leader();
    let through = cluster.others(old).next().unwrap();
    let (mut stuck, heard) = http::stuck(through.proxy());
    let first = old.group().unwrap().epoch;
    assert_eq!(epoch(&heard), Some(first), "an answer says whose it is");
    old.freeze();
    let (new, group) = cluster.next_leader(old);
    let end = stuck.read(&mut [0; 1024]);
    assert_eq!(end.map_err(|why| why.kind()), Err(ErrorKind::ConnectionReset), "what hung on the old epoch is cut");
    old.thaw();
    for node in [through, new] {
        let forged = "GET / HTTP/1.1\r\nHost: a\r\nX-Hotseat-Epoch: 999\r\nConnection: close\r\n\r\n";
        let answer = http::ask(node.proxy(), forged, CEILING).unwrap();
        assert_eq!((answer.status, epoch(&answer.head)), (200, Some(group.epoch)), "{answer:?}");
    }
}

hotseat_lab::on_every_store!(new_1_the_proxies_enforce_the_epoch);
