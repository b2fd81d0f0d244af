//! The proxy and HTTP, with real sockets on both sides: what reaches a service, how often, and what clients hear.
#![allow(clippy::unwrap_used)] // tests

mod proxy_world;

use hotseat_agent::proxy::{Limits, Protocol};
use proxy_world::{Breaks, Client, LIMITS, Service, World, get};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_stamped_and_so_is_its_answer() {
    let world = World::new(LIMITS).await;
    let service = Service::answering("n7").await;
    world.lead(3, &service);
    let mut client = world.client().await;
    let answer = client
        .ask("GET /a?b=c HTTP/1.1\r\nHost: shop\r\nX-Hotseat-Epoch: 99\r\nConnection: x-own\r\nX-Own: 1\r\n\r\n")
        .await;
    assert!(answer.head.starts_with("HTTP/1.1 200 "), "{}", answer.head);
    assert!(answer.has("x-hotseat-epoch: 3") && answer.has("x-hotseat-node: n7"), "{}", answer.head);
    assert_eq!(answer.body, "n7");
    let heard = service.heard(1).await.remove(0).to_lowercase();
    assert!(heard.starts_with("get /a?b=c http/1.1\r\n"), "{heard}");
    for line in ["host: shop", "x-hotseat-epoch: 3", "x-hotseat-node: n7", "forwarded: for=127.0.0.1;proto=http"] {
        assert!(heard.contains(&format!("\r\n{line}\r\n")), "{line}: {heard}");
    }
    assert!(!heard.contains("99") && !heard.contains("x-own"), "{heard}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_kept_on_both_sides() {
    let world = World::new(LIMITS).await;
    let service = Service::answering("a").await;
    world.lead(1, &service);
    let mut client = world.client().await;
    for _ in 0..5 {
        assert_eq!(client.ask(&get("/")).await.body, "a");
    }
    assert_eq!(service.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelined_requests_are_answered_in_order() {
    let world = World::new(LIMITS).await;
    let service = Service::echoing().await;
    world.lead(1, &service);
    let mut client = world.client().await;
    client.say(&(0..5).map(|number| get(&format!("/{number}"))).collect::<String>()).await;
    for number in 0..5 {
        assert_eq!(client.hear().await.body, format!("/{number}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_on_an_old_connection_goes_to_the_new_leader() {
    let world = World::new(LIMITS).await;
    let (one, other) = (Service::answering("a").await, Service::answering("b").await);
    world.lead(1, &one);
    let mut client = world.client().await;
    assert_eq!(client.ask(&get("/")).await.body, "a");
    world.lead(2, &other);
    assert_eq!(client.ask(&get("/")).await.body, "b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_wait_for_a_leader_in_their_order() {
    let world = World::new(Limits { protocol: Protocol::Http, ..LIMITS }).await;
    let mut clients = Vec::new();
    for number in 0..30 {
        let mut client = world.client().await;
        client.say(&get(&format!("/{number}"))).await;
        world.until(|stats| stats.parked == number + 1).await;
        clients.push(client);
    }
    let service = Service::answering("a").await;
    world.lead(1, &service);
    for client in &mut clients {
        assert_eq!(client.hear().await.body, "a");
    }
    // Who came first was connected first; what is said on each connection is heard as the machine likes.
    let heard = service.paths(30).await;
    let expected: Vec<_> = (0..30).map(|number| format!("/{number}")).collect();
    assert_eq!(heard, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_end_of_its_patience_a_request_is_refused_and_the_connection_stays() {
    let world = World::new(Limits { hold: Duration::from_millis(100), ..LIMITS }).await;
    let mut client = world.client().await;
    let answer = client.ask(&get("/")).await;
    assert!(answer.head.starts_with("HTTP/1.1 503 ") && answer.has("retry-after: 1"), "{}", answer.head);
    let service = Service::answering("a").await;
    world.lead(1, &service);
    assert_eq!(client.ask(&get("/")).await.body, "a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_that_wait_are_refused_at_once() {
    let world = World::new(Limits { max_parked: 1, ..LIMITS }).await;
    let mut first = world.client().await;
    first.say(&get("/")).await;
    world.until(|stats| stats.parked == 1).await;
    let answer = world.client().await.ask(&get("/")).await;
    assert!(answer.head.starts_with("HTTP/1.1 503 "), "{}", answer.head);
    drop(first);
    world.until(|stats| stats.parked == 0).await;
}

/// When the connection to the service breaks: what is sent again, and what its client hears.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_harmless_is_sent_again() {
    let put = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    let chunked = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    let check = async |request: &str, after: Breaks, expected: &str| {
        let world = World::new(LIMITS).await;
        let (one, other) = (Service::breaking(after).await, Service::answering("b").await);
        world.lead(1, &one);
        let mut client = world.client().await;
        client.say(request).await;
        one.broke().await;
        // An answer that has not come through by then would be one of an old epoch.
        if after != Breaks::MidAnswer {
            world.lead(2, &other);
        }
        let answer = client.hear_any().await;
        let short = answer.map_or_else(|_reset| "cut".to_owned(), |answer| answer.head[9..12].to_owned());
        let sent = one.requests() + other.requests();
        assert_eq!(format!("{short}, taken {sent}"), expected, "{request:?} {after:?}");
    };
    for request in [&get("/"), put] {
        check(request, Breaks::BeforeAnswer, "200, taken 2").await;
        check(request, Breaks::MidHead, "200, taken 2").await;
        check(request, Breaks::MidAnswer, "cut, taken 1").await;
    }
    for request in [post, chunked] {
        check(request, Breaks::BeforeAnswer, "502, taken 1").await;
        check(request, Breaks::MidHead, "502, taken 1").await;
        check(request, Breaks::MidAnswer, "cut, taken 1").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_kills_whoever_takes_it_is_not_sent_for_ever() {
    let world = World::new(LIMITS).await;
    let service = Service::broken().await;
    world.lead(1, &service);
    let answer = world.client().await.ask(&get("/")).await;
    assert!(answer.head.starts_with("HTTP/1.1 502 "), "{}", answer.head);
    assert_eq!(service.requests(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_was_not_sent_is_sent_whatever_it_is() {
    let world = World::new(LIMITS).await;
    let nobody = Service::refusing().await;
    world.lead_at(1, nobody.address());
    let mut client = world.client().await;
    client.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody").await;
    world.until(|stats| stats.parked == 1).await;
    let service = Service::answering("a").await;
    world.lead(2, &service);
    assert_eq!(client.hear().await.body, "a");
    assert!(service.heard(1).await[0].ends_with("\r\n\r\nbody"));
}

/// The old leader answers, but somebody newer is known: its words count no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_an_old_epoch_is_not_delivered() {
    let world = World::new(LIMITS).await;
    let (old, new) = (Service::holding("old").await, Service::answering("new").await);
    world.lead(1, &old);
    let (mut reads, mut writes) = (world.client().await, world.client().await);
    reads.say(&get("/")).await;
    old.heard(1).await;
    writes.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await;
    old.heard(2).await;
    world.lead(2, &new);
    old.let_go();
    assert_eq!(reads.hear().await.body, "new");
    assert!(writes.hear().await.head.starts_with("HTTP/1.1 502 "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_cut_when_a_newer_epoch_comes_in_the_middle_of_it() {
    let world = World::new(LIMITS).await;
    let (old, new) = (Service::streaming(false).await, Service::answering("new").await);
    world.lead(1, &old);
    let mut client = world.client().await;
    client.say(&get("/")).await;
    client.hear_until("one").await;
    world.lead(2, &new);
    assert!(client.ends_by_reset().await);
    assert_eq!(world.proxy.stats().cut, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drained_is_said_when_the_last_request_is_over_and_not_before() {
    let world = World::new(LIMITS).await;
    let service = Service::holding("a").await;
    world.lead(1, &service);
    let mut client = world.client().await;
    client.say(&get("/")).await;
    service.heard(1).await;
    let drained = tokio::spawn(world.proxy.drains().drained(1));
    world.lead_nobody(1);
    // Another request comes and waits; it does not belong to the old leader.
    let mut waits = world.client().await;
    waits.say(&get("/")).await;
    world.until(|stats| stats.parked == 1).await;
    assert!(!drained.is_finished());
    service.let_go();
    assert_eq!(client.hear().await.body, "a");
    tokio::time::timeout(proxy_world::PATIENCE, drained).await.unwrap().unwrap();
    let next = Service::answering("b").await;
    world.lead(2, &next);
    assert_eq!(waits.hear().await.body, "b");
    assert_eq!(service.heard(1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_drained_while_the_leader_is_announced() {
    let world = World::new(LIMITS).await;
    let service = Service::answering("a").await;
    world.lead(1, &service);
    let drained = world.proxy.drains().drained(1);
    assert!(tokio::time::timeout(Duration::from_millis(50), drained).await.is_err());
}

/// A stream of events and a WebSocket go on for as long as their clients like: a planned end waits for neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_events_and_websockets_pass_and_hold_nobody_up() {
    let world = World::new(LIMITS).await;
    let events = Service::streaming(true).await;
    world.lead(1, &events);
    let mut listener = world.client().await;
    listener.say(&get("/")).await;
    listener.hear_until("one").await;
    world.lead_nobody(1);
    tokio::time::timeout(proxy_world::PATIENCE, world.proxy.drains().drained(1)).await.unwrap();

    let sockets = Service::switching().await;
    world.lead(2, &sockets);
    assert!(listener.ends_by_reset().await);
    let mut socket = world.client().await;
    socket.say("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").await;
    let head = socket.hear_until("\r\n\r\n").await.to_lowercase();
    assert!(head.starts_with("http/1.1 101 ") && head.contains("upgrade: websocket"), "{head}");
    socket.say("ping").await;
    assert_eq!(socket.hear_until("ping").await, "ping");
    world.lead_nobody(2);
    tokio::time::timeout(proxy_world::PATIENCE, world.proxy.drains().drained(2)).await.unwrap();
    socket.say("pong").await;
    socket.hear_until("pong").await;
    world.lead(3, &events);
    assert!(socket.ends_by_reset().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn huge_heads_and_slow_clients_are_sent_away() {
    let world = World::new(Limits { quiet: Duration::from_millis(100), ..LIMITS }).await;
    let service = Service::answering("a").await;
    world.lead(1, &service);
    let mut huge = world.client().await;
    let answer = huge.ask(&format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(100_000))).await;
    assert!(answer.head.starts_with("HTTP/1.1 431 "), "{}", answer.head);

    // A head that never ends, and a body that never comes.
    for start in ["GET / HTTP/1.1\r\nHost: a\r\nX-", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"] {
        let mut slow = world.client().await;
        slow.say(start).await;
        assert!(slow.ends().await, "{start}");
    }
    world.until(|stats| stats.active == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_takes_its_request_along() {
    let world = World::new(LIMITS).await;
    let service = Service::holding("a").await;
    world.lead(1, &service);
    let mut client = world.client().await;
    client.say(&get("/")).await;
    service.heard(1).await;
    drop(client);
    world.lead_nobody(1);
    tokio::time::timeout(proxy_world::PATIENCE, world.proxy.drains().drained(1)).await.unwrap();
}

/// Reads: a member is as good after a change of leader as before, as long as it is named; who is not is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_are_spread_and_outlast_a_change_of_leader() {
    let world = World::new(LIMITS).await;
    let (one, other) = (Service::holding("a").await, Service::answering("b").await);
    world.spread(1, true, &[&one]);
    let mut client = world.client().await;
    client.say(&get("/")).await;
    one.heard(1).await;
    world.spread(2, true, &[&one, &other]);
    one.let_go();
    assert_eq!(client.hear().await.body, "a");
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(client.ask(&get("/")).await.body);
    }
    seen.sort();
    assert_eq!(seen, ["a", "a", "b", "b"]);
    world.spread(2, true, &[&other]);
    for _ in 0..3 {
        assert_eq!(client.ask(&get("/")).await.body, "b");
    }
}

/// Browsers open connections before they need them: what is said on one later is HTTP all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_slow_to_speak_is_heard() {
    let world = World::new(LIMITS).await;
    let (one, other) = (Service::answering("a").await, Service::answering("b").await);
    world.lead(1, &one);
    let mut client = world.client().await;
    one.connected(1).await;
    world.lead(2, &other);
    other.connected(1).await;
    let answer = client.ask(&get("/")).await;
    assert!(answer.body == "b" && answer.has("x-hotseat-epoch: 2"), "{}", answer.head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_all_sizes_pass_both_ways() {
    let world = World::new(LIMITS).await;
    let service = Service::mirroring().await;
    world.lead(1, &service);
    for size in [0, 1, 1_000, 64 << 10, 100 << 10, 3 << 20] {
        for method in ["PUT", "POST"] {
            let mut client = world.client().await;
            let body = "b".repeat(size);
            let head = format!("{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n");
            let answer = client.exchange(&format!("{head}{body}")).await;
            assert!(answer.body == body, "{method} {size}: {}", answer.head);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_the_client_breaks_is_the_clients_fault() {
    let world = World::new(LIMITS).await;
    let service = Service::mirroring().await;
    world.lead(1, &service);
    let torn = ["zz\r\nhi\r\n", "2\r\nhi!\r\n0\r\n\r\n", "fffffffffffffffff\r\nhi\r\n", "2\r\nhi\r\n-1\r\n"];
    for (body, method) in torn.iter().flat_map(|body| [(body, "POST"), (body, "PUT")]) {
        let mut client = world.client().await;
        let head = format!("{method} / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        let answer = client.ask(&format!("{head}{body}")).await;
        assert!(answer.head.starts_with("HTTP/1.1 400 "), "{method} {body:?}: {}", answer.head);
    }
    let mut client = world.client().await;
    assert_eq!(client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").await.body, "hi");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_says_once_for_which_host_it_is() {
    let world = World::new(LIMITS).await;
    let service = Service::answering("a").await;
    world.lead(1, &service);
    for (head, status) in [
        ("GET / HTTP/1.1\r\n", "400"),
        ("GET http://shop/ HTTP/1.1\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n", "400"),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n", "400"),
        ("GET / HTTP/1.0\r\n", "200"),
        ("GET / HTTP/1.1\r\nHost:\r\n", "200"),
    ] {
        let mut client = world.client().await;
        let answer = client.ask(&format!("{head}\r\n")).await;
        assert_eq!(answer.head.split(' ').nth(1), Some(status), "{head:?}");
    }
    assert_eq!(service.heard(2).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_is_spoken_with_clients_and_for_grpc_with_services() {
    let world = World::new(LIMITS).await;
    let service = Service::answering("one").await;
    world.lead(1, &service);
    let mut client = Client::http2(world.address).await;
    let (status, body, _) = proxy_world::ask2(&mut client, "GET", None).await;
    assert_eq!((status, body.as_str()), (200, "one"));

    let (grpc, seen) = Service::grpc().await;
    world.lead_at(2, grpc);
    let (status, body, trailer) = proxy_world::ask2(&mut client, "POST", Some("application/grpc+proto")).await;
    assert_eq!((status, body.as_str(), trailer.as_deref()), (200, "two", Some("0")));
    assert_eq!(seen.lock().unwrap().as_deref(), Some("HTTP/2.0 epoch 2"));
}
