//! Strangers who are slow, huge, malformed and many: the agent goes on answering, and goes on leading.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use hotseat_lab::{Cluster, Node, Spec, http};

/// What this is about: the agent is well, and answers soon.
fn check_well(node: &Node, epoch: u64) {
    let asked = Instant::now();
    assert_eq!(node.status("/health"), 200);
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert!(node.leads());
    assert_eq!(node.group().unwrap().epoch, epoch);
}

fn leader() -> (Cluster, u64) {
    let cluster = Cluster::settled(Spec::demo().nodes(1));
    let epoch = cluster.leader().group().unwrap().epoch;
    (cluster, epoch)
}

fn say(node: &Node, bytes: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(node.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // It may be cut off while it still speaks.
    drop(stream.write_all(bytes));
    let mut text = [0; 64];
    let length = stream.read(&mut text).unwrap_or(0);
    let text = String::from_utf8_lossy(&text[..length]).into_owned();
    text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

#[test]
fn what_is_malformed_is_refused() {
    let (cluster, epoch) = leader();
    let node = cluster.leader();
    let huge_head = format!("GET /health HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(1 << 20));
    let long_path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "y".repeat(100_000));
    let huge_body = format!(
        "POST /api/groups/web/switchover HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
        1 << 20,
        " ".repeat(1 << 20)
    );
    let endless = "POST /api/groups/web/switchover HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n";
    for (bytes, status) in [
        (huge_head.as_str(), Some(431)),
        (&long_path, Some(431)),
        (&huge_body, Some(413)),
        (endless, Some(400)),
        ("GARBAGE\r\n\r\n", Some(400)),
        ("GET / HTTP/9.9\r\n\r\n", Some(400)),
        ("\0\0\0\0\r\n\r\n", Some(400)),
        ("DELETE /health HTTP/1.1\r\nHost: x\r\n\r\n", Some(405)),
        ("GET /%00%ff/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", Some(404)),
        ("POST /api/groups/web/switchover HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n{]x", Some(400)),
    ] {
        let said = say(node, bytes.as_bytes());
        let shown = &bytes[..bytes.len().min(60)];
        let fits = said == status || matches!((said, status), (Some(400 | 414) | None, Some(431 | 413)));
        assert!(fits, "{shown:?} was answered {said:?}, not {status:?}");
        check_well(node, epoch);
    }
}

#[test]
fn who_is_slow_is_cut_off() {
    let (cluster, epoch) = leader();
    let node = cluster.leader();
    let mut slow = TcpStream::connect(node.address()).unwrap();
    slow.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nX: ").unwrap();
    slow.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let began = Instant::now();
    let cut = cluster.wait_for("it is cut off", |_| {
        let gone = slow.write_all(b"y").is_err();
        let ended = matches!(slow.read(&mut [0; 512]), Ok(0)) || gone;
        ended.then(|| began.elapsed())
    });
    println!("cut off after {cut:?}");
    assert!(cut < Duration::from_secs(30), "{cut:?}");
    check_well(node, epoch);
}

#[test]
fn five_hundred_idle_connections_stop_nothing() {
    let (cluster, epoch) = leader();
    let node = cluster.leader();
    let idle: Vec<_> = (0..500).map(|_| TcpStream::connect(node.address()).unwrap()).collect();
    check_well(node, epoch);
    for mut stream in &idle {
        stream.write_all(b"GET /he").unwrap();
    }
    check_well(node, epoch);
    drop(idle);
    check_well(node, epoch);
}

#[test]
fn who_asks_much_at_once_is_answered() {
    let (cluster, epoch) = leader();
    let node = cluster.leader();
    let ask = || (0..50).all(|_| http::get(node.address(), "/api/cluster").is_some_and(|answer| answer.status == 200));
    let all = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().all(|thread| thread.join().unwrap())
    });
    assert!(all);
    check_well(node, epoch);
}
