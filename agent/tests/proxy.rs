//! The proxy, with real sockets on both sides.
#![allow(clippy::unwrap_used)] // tests

mod proxy_tcp;

use std::io::ErrorKind;
use std::time::Duration;

use hotseat_agent::proxy::{Limits, Protocol};
use proxy_tcp::{LIMITS, PATIENCE, Setup, all, echoes, ended, hear, serve, server, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_close_passes() {
    let setup = Setup::new(LIMITS).await;
    setup.tell(1, server(b'a').await);
    let mut client = setup.connect().await;
    client.write_all(b"hello").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(all(client).await, ("ahello".to_owned(), None));
    let stats = setup.until(|stats| stats.active == 0).await;
    assert_eq!((stats.forwarded, stats.cut, stats.refused), (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_passes_both_ways() {
    let setup = Setup::new(LIMITS).await;
    setup.tell(1, server(b'a').await);
    let (client, _) = setup.talk().await;
    let (mut reader, mut writer) = client.into_split();
    let sent = vec![b'x'; 8 << 20];
    let expected = sent.len();
    let writing = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut heard = Vec::new();
    timeout(PATIENCE, reader.read_to_end(&mut heard)).await.unwrap().unwrap();
    writing.await.unwrap();
    assert_eq!(heard.len(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_parked_are_served_in_order() {
    let setup = Setup::new(LIMITS).await;
    let mut clients = Vec::new();
    for number in 0..60 {
        let mut client = setup.connect().await;
        client.write_u8(number).await.unwrap();
        clients.push(client);
    }
    setup.until(|stats| stats.parked == 60).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    setup.tell(1, listener.local_addr().unwrap());
    for number in 0..60 {
        let (mut accepted, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        assert_eq!(hear(&mut accepted).await.unwrap(), number);
    }
    let stats = setup.until(|stats| stats.active == 0 || stats.active == 60).await;
    assert_eq!(stats.parked, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_wait_is_told_once() {
    let setup = Setup::new(LIMITS).await;
    let mut client = setup.connect().await;
    setup.until(|stats| stats.parked == 1).await;
    setup.tell(1, server(b'a').await);
    hear(&mut client).await.unwrap();
    assert!(setup.proxy.stats().waited_max > Duration::ZERO);
    assert_eq!(setup.proxy.stats().waited_max, Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_epoch_cuts_the_older() {
    let setup = Setup::new(LIMITS).await;
    let old = TcpListener::bind("127.0.0.1:0").await.unwrap();
    setup.tell(1, old.local_addr().unwrap());
    let mut client = setup.connect().await;
    let (mut accepted, _) = timeout(PATIENCE, old.accept()).await.unwrap().unwrap();
    accepted.write_u8(b'a').await.unwrap();
    assert_eq!(hear(&mut client).await.unwrap(), b'a');

    setup.tell(2, server(b'b').await);
    assert!(ended(&mut client).await, "the client's side");
    assert!(ended(&mut accepted).await, "the server's side");
    assert_eq!(setup.talk().await.1, b'b');
    assert_eq!(setup.proxy.stats().cut, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_epoch_cuts_even_without_a_leader() {
    let setup = Setup::new(LIMITS).await;
    setup.tell(1, server(b'a').await);
    let (mut client, _) = setup.talk().await;
    setup.tell(2, None);
    assert!(ended(&mut client).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_epoch_is_ignored() {
    let setup = Setup::new(LIMITS).await;
    setup.tell(2, server(b'b').await);
    let (mut client, _) = setup.talk().await;
    setup.tell(1, server(b'a').await);
    let (_other, name) = setup.talk().await;
    assert_eq!(name, b'b');
    assert!(echoes(&mut client).await);
    assert_eq!(setup.proxy.stats().cut, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_within_an_epoch_cuts_nothing_and_parks_the_new() {
    let setup = Setup::new(LIMITS).await;
    let target = server(b'a').await;
    setup.tell(1, target);
    let (mut client, _) = setup.talk().await;
    setup.tell(1, None);
    let mut new = setup.connect().await;
    setup.until(|stats| stats.parked == 1).await;
    assert!(echoes(&mut client).await);
    setup.tell(1, target);
    assert_eq!(hear(&mut new).await.unwrap(), b'a');
    assert!(echoes(&mut client).await);
}

/// Known before a client comes is known to the client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reaches_an_older_leader() {
    let setup = Setup::new(LIMITS).await;
    let servers = [server(0).await, server(1).await];
    for epoch in 1..300_u64 {
        let which = (epoch % 2) as usize;
        setup.tell(epoch, servers[which]);
        let (_client, name) = setup.talk().await;
        assert_eq!(usize::from(name), which, "epoch {epoch}");
    }
}

/// Routes change while clients are on their way: who hears a name can still talk, or is cut; nobody hangs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_may_change_at_any_moment() {
    let setup = Setup::new(LIMITS).await;
    let servers = [server(0).await, server(1).await];
    for epoch in 1..300_u64 {
        let mut client = setup.connect().await;
        setup.tell(epoch, if epoch % 3 == 0 { None } else { Some(servers[(epoch % 2) as usize]) });
        setup.tell(epoch + 1, servers[((epoch + 1) % 2) as usize]);
        match hear(&mut client).await {
            Ok(name) if u64::from(name) == (epoch + 1) % 2 => assert!(echoes(&mut client).await),
            Ok(_) | Err(_) => assert!(ended(&mut client).await, "bound to epoch {epoch} or older, not cut"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_hold_http_reads_503() {
    let setup = Setup::new(Limits { hold: Duration::from_millis(50), protocol: Protocol::Tcp, ..LIMITS }).await;
    let mut client = setup.connect().await;
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let (answer, error) = all(client).await;
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    assert!(answer.contains("\r\nRetry-After: 1\r\n"), "{answer}");
    assert_eq!(error, None);
    assert_eq!(setup.proxy.stats().refused, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_hold_others_are_reset() {
    let setup = Setup::new(Limits { hold: Duration::from_millis(50), ..LIMITS }).await;
    let silent = setup.connect().await;
    let mut other = setup.connect().await;
    other.write_all(b"\x16\x03\x01").await.unwrap();
    assert_eq!(all(silent).await, (String::new(), Some(ErrorKind::ConnectionReset)));
    assert_eq!(all(other).await, (String::new(), Some(ErrorKind::ConnectionReset)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lot_is_bounded() {
    let setup = Setup::new(Limits { max_parked: 2, protocol: Protocol::Tcp, ..LIMITS }).await;
    let (mut first, second) = (setup.connect().await, setup.connect().await);
    setup.until(|stats| stats.parked == 2).await;
    let mut third = setup.connect().await;
    third.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert!(all(third).await.0.contains(" 503 "));

    drop(second);
    setup.until(|stats| stats.parked == 1).await;
    let mut fourth = setup.connect().await;
    setup.until(|stats| stats.parked == 2).await;
    setup.tell(1, server(b'a').await);
    assert_eq!(hear(&mut first).await.unwrap(), b'a');
    assert_eq!(hear(&mut fourth).await.unwrap(), b'a');
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parked_client_that_leaves_gives_its_place_back() {
    let setup = Setup::new(LIMITS).await;
    let silent = setup.connect().await;
    let mut http = setup.connect().await;
    http.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    setup.until(|stats| stats.parked == 2).await;
    drop((silent, http));
    let stats = setup.until(|stats| stats.parked == 0).await;
    assert_eq!((stats.forwarded, stats.refused), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parked_client_may_have_said_all() {
    let setup = Setup::new(LIMITS).await;
    let mut client = setup.connect().await;
    client.write_all(b"hello").await.unwrap();
    client.shutdown().await.unwrap();
    setup.until(|stats| stats.parked == 1).await;
    setup.tell(1, server(b'a').await);
    assert_eq!(all(client).await, ("ahello".to_owned(), None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_refuses_is_tried_again() {
    let setup = Setup::new(LIMITS).await;
    let reserved = tokio::net::TcpSocket::new_v4().unwrap();
    reserved.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    setup.tell(1, reserved.local_addr().unwrap());
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(setup.connect().await);
    }
    setup.until(|stats| stats.parked == 10).await;
    serve(reserved.listen(64).unwrap(), b'a');
    for client in &mut clients {
        assert_eq!(hear(client).await.unwrap(), b'a');
    }
    assert_eq!(setup.proxy.stats().refused, 0);
}

/// A listener whose backlog is full answers no SYN.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_route_is_followed_while_a_target_is_silent() {
    let setup = Setup::new(LIMITS).await;
    let deaf = tokio::net::TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let deaf = deaf.listen(0).unwrap();
    let _fills_the_backlog = TcpStream::connect(deaf.local_addr().unwrap()).await.unwrap();
    setup.tell(1, deaf.local_addr().unwrap());
    let mut clients = [setup.connect().await, setup.connect().await];
    // After the first attempt has timed out all of them wait.
    setup.until(|stats| stats.parked == 2).await;
    setup.tell(2, server(b'b').await);
    for client in &mut clients {
        assert_eq!(hear(client).await.unwrap(), b'b');
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_client_blocks_nobody() {
    let setup = Setup::new(LIMITS).await;
    setup.tell(1, server(b'a').await);
    let (mut slow, _) = setup.talk().await;
    // It sends until everything on the way is full, and never reads the echo.
    let chunk = vec![0; 1 << 20];
    while timeout(Duration::from_millis(200), slow.write_all(&chunk)).await.is_ok() {}
    for _ in 0..10 {
        let (mut client, _) = setup.talk().await;
        assert!(echoes(&mut client).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_patience_a_leader_is_still_reached() {
    let setup = Setup::new(Limits { hold: Duration::ZERO, max_parked: 0, ..LIMITS }).await;
    assert_eq!(all(setup.connect().await).await.1, Some(ErrorKind::ConnectionReset));
    setup.tell(1, server(b'a').await);
    for _ in 0..20 {
        assert_eq!(setup.talk().await.1, b'a');
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_bounded() {
    let setup = Setup::new(Limits { max_connections: 1, ..LIMITS }).await;
    setup.tell(1, server(b'a').await);
    let (client, _) = setup.talk().await;
    // The reset may be there before the client knows that it is connected.
    let heard = async || hear(&mut TcpStream::connect(setup.address).await?).await;
    assert_eq!(heard().await.map_err(|why| why.kind()), Err(ErrorKind::ConnectionReset));
    drop(client);
    // The place is free a moment after the connection is over.
    let waiting = async { while heard().await.is_err() {} };
    timeout(PATIENCE, waiting).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_nobody_tells_the_routes_all_is_cut() {
    let setup = Setup::new(LIMITS).await;
    setup.tell(1, server(b'a').await);
    let (mut client, _) = setup.talk().await;
    let Setup { proxy, teller, address } = setup;
    drop(teller);
    assert!(ended(&mut client).await);
    let _waits = TcpStream::connect(address).await.unwrap();
    until(&proxy, |stats| stats.parked == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_ends_everything() {
    let setup = Setup::new(LIMITS).await;
    let mut parked = setup.connect().await;
    setup.until(|stats| stats.parked == 1).await;
    setup.tell(1, server(b'a').await);
    hear(&mut parked).await.unwrap();
    let (mut active, _) = setup.talk().await;
    setup.proxy.shutdown().await;
    assert!(ended(&mut parked).await && ended(&mut active).await);
    let refused = TcpStream::connect(setup.address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}
