//! Crowds at an agent's port: strangers who fill it up, and those who must get through all the same.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::Write;
use std::net::TcpStream;

use hotseat_lab::spec::Store;
use hotseat_lab::{Cluster, Node, Spec};

/// More than an agent has places for.
const CROWD: usize = 1100;

/// Requests that are half said, and what is asked for at length.
const HALVES: [&str; 3] = [
    "POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\na",
    "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
    "GET /api/groups/web/drained?epoch=999 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
];

fn crowd(node: &Node, words: &str) -> Vec<TcpStream> {
    let one = |_| {
        let mut stream = TcpStream::connect(node.address()).unwrap();
        // Some are let go while others still come.
        drop(stream.write_all(words.as_bytes()));
        stream
    };
    (0..CROWD).map(one).collect()
}

/// A crowd at the ports of two nodes: load balancers are answered, and the third, started anew, comes back.
#[test]
fn a_crowd_at_the_door_keeps_neither_checks_nor_members_out() {
    let cluster = Cluster::settled(Spec::demo().store(Store::Raft));
    let leader = cluster.leader();
    let mut others = cluster.others(leader);
    let (stays, restarts) = (others.next().unwrap(), others.next().unwrap());
    let epoch = leader.group().unwrap().epoch;
    restarts.kill_agent();
    let crowds = HALVES.map(|words| [leader, stays].map(|node| crowd(node, words)));
    restarts.start();
    for round in 1..=5 {
        // A busy machine may need longer for such a crowd than one answer is waited for; it stays for much longer.
        for (node, leads) in [(leader, 200), (stays, 503)] {
            let answered = |path: &str, status| {
                let what = format!("{} answers {path}, round {round}", node.name);
                cluster.wait_for(&what, |_| (node.status(path) == status).then_some(()));
            };
            answered("/health", 200);
            answered("/leader/web", leads);
        }
    }
    cluster.wait_for("the third is back", |_| (restarts.status("/standby/web") == 200).then_some(()));
    assert!(leader.log().contains("is out of places: too many connections from 127.0.0.1"), "{}", leader.log());
    assert_eq!(leader.group().unwrap().epoch, epoch);
    drop(crowds);
}
