//! Checks against well, unwell and hostile servers.
#![allow(clippy::unwrap_used)] // tests

use hotseat_agent::check::{self, Verdict};
use hotseat_agent::config::Check;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// For servers that answer: nothing is measured with it.
const PATIENCE: Duration = Duration::from_secs(30);
/// For servers that do not.
const SHORT: Duration = Duration::from_millis(200);

fn http() -> Check {
    Check::Http { path: "/healthz".to_owned() }
}

/// A server that reads a request, says `first`, and then `again` for ever if it is not empty.
async fn server(first: &'static [u8], again: &'static [u8], pause: Duration) -> (SocketAddr, mpsc::Receiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, seen) = mpsc::channel(16);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = talk(stream, first, again, pause).await;
            tell.send(seen).await.unwrap();
        }
    });
    (address, seen)
}

/// What a server saw of a check.
struct Seen {
    request: String,
    wrote: usize,
}

async fn talk(mut stream: TcpStream, first: &[u8], again: &[u8], pause: Duration) -> Seen {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") && stream.read_buf(&mut request).await.is_ok_and(|n| n > 0) {}
    let mut wrote = 0;
    if stream.write_all(first).await.is_ok() && !again.is_empty() {
        while stream.write_all(again).await.is_ok() {
            wrote += again.len();
            sleep(pause).await;
        }
    }
    Seen { request: String::from_utf8(request).unwrap(), wrote }
}

async fn ask(first: &'static [u8], again: &'static [u8], pause: Duration, limit: Duration) -> (Verdict, Seen) {
    let (address, mut seen) = server(first, again, pause).await;
    let verdict = timeout(PATIENCE, check::run(&http(), address, limit)).await.unwrap();
    // A server that speaks for ever is stopped by the check hanging up.
    let seen = timeout(PATIENCE, seen.recv()).await.unwrap().unwrap();
    (verdict, seen)
}

async fn answer(bytes: &'static [u8]) -> (bool, String) {
    let (verdict, _) = ask(bytes, b"", Duration::ZERO, PATIENCE).await;
    (verdict.ok, verdict.detail)
}

async fn endless(first: &'static [u8], again: &'static [u8], pause: Duration) -> (bool, String) {
    let (verdict, _) = ask(first, again, pause, SHORT).await;
    (verdict.ok, verdict.detail)
}

fn said(ok: bool, detail: &str) -> (bool, String) {
    (ok, detail.to_owned())
}

#[tokio::test]
async fn a_status_below_400_is_well() {
    let check = async |bytes, expected| assert_eq!(answer(bytes).await, expected);
    check(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", said(true, "GET /healthz → 200")).await;
    check(b"HTTP/1.0 200 OK\r\n\r\nuntil the end", said(true, "GET /healthz → 200")).await;
    check(b"HTTP/1.1 204 No Content\r\n\r\n", said(true, "GET /healthz → 204")).await;
    check(b"HTTP/1.1 399 \r\nContent-Length: 0\r\n\r\n", said(true, "GET /healthz → 399")).await;
    let redirect = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    check(redirect, said(true, "GET /healthz → 302")).await;
}

#[tokio::test]
async fn other_statuses_are_not() {
    let check = async |bytes, expected| assert_eq!(answer(bytes).await, expected);
    check(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", said(false, "GET /healthz → 500")).await;
    check(b"HTTP/1.1 404 No\r\n\r\n", said(false, "GET /healthz → 404")).await;
    let words = b"HTTP/1.1 503 No\r\nContent-Length: 20\r\n\r\ndisk is \x1b full\nmore..";
    check(words, said(false, "GET /healthz → 503: disk is  full")).await;
}

#[tokio::test]
async fn the_request_is_plain() {
    let (_, seen) = ask(b"HTTP/1.1 200 OK\r\n\r\n", b"", Duration::ZERO, PATIENCE).await;
    let request = seen.request.to_ascii_lowercase();
    assert!(request.starts_with("get /healthz http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nhost: 127.0.0.1:"), "{request}");
    assert!(request.contains("\r\nconnection: close\r\n"), "{request}");
}

#[tokio::test]
async fn nobody_there_is_said() {
    let reserved = TcpSocket::new_v4().unwrap();
    reserved.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let target = reserved.local_addr().unwrap();
    for check in [http(), Check::Tcp] {
        let verdict = check::run(&check, target, PATIENCE).await;
        assert_eq!((verdict.ok, verdict.detail.as_str()), (false, "connect: connection refused"));
    }
}

/// A listener whose backlog is full answers no SYN.
#[tokio::test]
async fn silence_ends_at_the_timeout() {
    let deaf = TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let deaf = deaf.listen(0).unwrap();
    let target = deaf.local_addr().unwrap();
    let _fills_the_backlog = TcpStream::connect(target).await.unwrap();
    for check in [http(), Check::Tcp] {
        let verdict = check::run(&check, target, SHORT).await;
        assert_eq!((verdict.ok, verdict.detail.as_str()), (false, "no answer within 200ms"));
        assert!(verdict.took >= SHORT);
    }
}

#[tokio::test]
async fn an_open_port_is_well() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let verdict = check::run(&Check::Tcp, listener.local_addr().unwrap(), PATIENCE).await;
    assert_eq!((verdict.ok, verdict.detail.as_str()), (true, "accepts connections"));
}

#[tokio::test]
async fn hostile_heads_are_not_well() {
    let long = b"X-Long: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";
    let (verdict, seen) = ask(b"HTTP/1.1 200 OK\r\n", long, Duration::ZERO, PATIENCE).await;
    assert!(!verdict.ok && verdict.detail.starts_with("GET /healthz: "), "{verdict}");
    assert!(seen.wrote < 16 << 20, "read {} bytes of headers", seen.wrote);

    let drip = endless(b"HTTP/1.1 200 OK\r\n", b"X", Duration::from_millis(5)).await;
    assert_eq!(drip, said(false, "no answer within 200ms"));
    let endless_informational = endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", Duration::from_millis(1)).await;
    assert_eq!(endless_informational, said(false, "no answer within 200ms"));
}

#[tokio::test]
async fn hostile_bodies_end() {
    let drip = endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x", Duration::from_millis(5)).await;
    assert_eq!(drip, said(false, "GET /healthz → 200, but no end within 200ms"));
    // A page that is merely long is well: the first 4 KiB came.
    let (verdict, seen) = ask(b"HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 65_536], Duration::ZERO, PATIENCE).await;
    assert_eq!((verdict.ok, verdict.detail.as_str()), (true, "GET /healthz → 200"));
    assert!(seen.wrote < 64 << 20, "read {} bytes of a body", seen.wrote);
    let cut = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").await;
    assert!(!cut.0 && cut.1.starts_with("GET /healthz → 200, then "), "{cut:?}");
}

#[tokio::test]
async fn what_is_not_http_is_not_well() {
    for bytes in [
        &b""[..],
        b"\r\n\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02\x50",
        b"HTTP/1.1 99999 \r\n\r\n",
    ] {
        let (ok, detail) = answer(bytes).await;
        assert!(!ok && detail.starts_with("GET /healthz: "), "{bytes:?}: {detail}");
        assert!(!detail.contains(|c: char| c.is_control()), "{detail:?}");
    }
}

#[tokio::test]
async fn every_question_has_its_own_connection() {
    let (address, mut seen) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"", Duration::ZERO).await;
    for _ in 0..5 {
        assert!(check::run(&http(), address, PATIENCE).await.ok);
        timeout(PATIENCE, seen.recv()).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn commands_are_for_the_guard() {
    for check in [Check::Command(vec!["true".to_owned()]), Check::Alive] {
        let verdict = check::run(&check, "127.0.0.1:1".parse().unwrap(), SHORT).await;
        assert_eq!((verdict.ok, verdict.detail.as_str()), (false, "run by the guard"));
    }
}
