//! The ports where load balancers ask a node, asked as they ask; and the redirect of acts that belong to the leader.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use hotseat_lab::http::{self, Answer};
use hotseat_lab::observer::demo;
use hotseat_lab::spec::Store;
use hotseat_lab::{CEILING, Cluster, Node, Spec, net, poll, program};

const LEADER: &str = "This node is a leader.";
const FOLLOWER: &str = "This node is a follower.";
const UNKNOWN: &str = "This node is in an unknown state.";

/// `HAProxy`'s plain check, word for word.
const PLAIN: &str = "OPTIONS / HTTP/1.0\r\n\r\n";

/// So many ask at once: more than a port has places for.
const CROWD: usize = 1500;

fn asked(at: SocketAddr, request: &str) -> Answer {
    http::ask(at, request, Duration::from_secs(10)).unwrap_or_else(|error| panic!("{at} {request:?}: {error}"))
}

fn check(at: SocketAddr, status: u16, sentence: &str) {
    for request in [
        PLAIN,
        "GET / HTTP/1.0\r\n\r\n",
        "GET /any/path?at=all HTTP/1.0\r\nUser-Agent: check_http/v2.3\r\nConnection: close\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi",
        "GET //%ff HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let answer = asked(at, request);
        assert_eq!((answer.status, answer.body.as_str()), (status, sentence), "{request:?}");
        let length = format!("content-length: {}", sentence.len());
        assert!(answer.head.to_ascii_lowercase().contains(&length), "well-formed: {}", answer.head);
    }
    let head = asked(at, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!((head.status, head.body.as_str()), (status, ""));
}

/// The status line alone, and then a reset, since what follows is left unread.
fn reset_after_the_status_line(at: SocketAddr) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(PLAIN.as_bytes()).unwrap();
    let mut line = [0; 12];
    stream.read_exact(&mut line).unwrap();
    String::from_utf8_lossy(&line).into_owned()
}

fn line(node: &Node) -> String {
    let mut stream = TcpStream::connect(node.agent_check()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn settled() -> Cluster {
    Cluster::settled(Spec::demo().hot().nodes(2).checked())
}

#[test]
fn cmn_3_leader_and_follower() {
    let cluster = settled();
    let leader = cluster.leader();
    let follower = cluster.others(leader).next().unwrap();
    check(leader.check(), 200, LEADER);
    check(follower.check(), 503, FOLLOWER);
    for _ in 0..200 {
        assert_eq!(reset_after_the_status_line(leader.check()), "HTTP/1.0 200");
    }
    check(leader.check(), 200, LEADER);
    let told = follower.group().unwrap();
    assert_eq!(told.check.as_deref(), Some(follower.check().to_string().as_str()), "status says where it is");
    assert_eq!(told.agent_check.as_deref(), Some(follower.agent_check().to_string().as_str()));
}

/// They are all connected before the first one asks, and all are answered.
#[test]
fn cmn_3_any_number_at_once() {
    let cluster = settled();
    let at = cluster.leader().check();
    let silent: Vec<_> = (0..CROWD).map(|_| TcpStream::connect(at).unwrap()).collect();
    for mut stream in silent {
        stream.set_read_timeout(Some(CEILING)).unwrap();
        // Who was silent for too long was let go, and asks anew.
        let mut text = String::new();
        let answered = stream.write_all(PLAIN.as_bytes()).and_then(|()| stream.read_to_string(&mut text));
        if answered.is_err() || text.is_empty() {
            text = asked(at, PLAIN).body;
        }
        assert!(text.ends_with(LEADER), "{text:?}");
    }
    let mut times: Vec<_> = (0..200).map(|_| Instant::now()).map(|from| (asked(at, PLAIN), from.elapsed()).1).collect();
    times.sort();
    println!("answered in {:?} (median of 200, with connecting)", times[100]);
}

/// The node alone answers: without its store it goes on answering, says no longer that it leads, and never lies.
#[test]
fn cmn_3_while_the_store_hangs() {
    if !program::root() {
        return;
    }
    let cluster = Cluster::settled(Spec::demo().hot().nodes(2).checked());
    let old = cluster.leader();
    let hung = old.hang_store();
    assert!(hung.is_some(), "no FUSE here");
    let gone = poll(CEILING, || {
        let answer = asked(old.check(), PLAIN);
        (answer.body == UNKNOWN).then_some(answer.status)
    });
    assert_eq!(gone, Some(503));
    assert_eq!(line(old), format!("down #{UNKNOWN}\n"));
    let (new, _) = cluster.next_leader(old);
    check(new.check(), 200, LEADER);
    old.find_store();
    drop(hung);
    cluster.settle();
    check(old.check(), 503, FOLLOWER);
}

/// An agent that is starting, here without a majority, answers too; and one that is not root can do all of it.
#[test]
fn cmn_3_while_starting_and_not_as_root() {
    let cluster = Cluster::prepare(Spec::demo().nodes(2).store(Store::Raft).checked());
    let (node, other) = (cluster.node("n1"), cluster.node("n2"));
    if program::root() {
        let own = program::run("chown".as_ref(), &["-R", "65534:65534", node.home.to_str().unwrap()]);
        assert_eq!(own.code, Some(0), "{own:?}");
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        node.start_as(Command::new("setpriv").args(nobody).arg(program::hotseat()));
    } else {
        node.start();
    }
    let early = poll(CEILING, || http::ask(node.check(), PLAIN, Duration::from_secs(10)).ok()).expect("it answers");
    assert_eq!((early.status, early.body.as_str()), (503, UNKNOWN));
    other.start();
    match cluster.settle().name == node.name {
        true => check(node.check(), 200, LEADER),
        false => check(node.check(), 503, FOLLOWER),
    }
}

/// In a planned change the check turns first: whoever sends by it never sends to a service that has stepped down.
#[test]
fn cmn_3_turns_before_the_service_steps_down() {
    let cluster = settled();
    for _ in 0..5 {
        let old = cluster.settle();
        cluster.wait_for("it acts", |_| demo(old.service()));
        assert_eq!(old.post("/api/groups/web/switchover", "").unwrap().status, 202);
        cluster.wait_for("its service has stepped down", |_| {
            let acts = asked(old.service(), "GET / HTTP/1.0\r\n\r\n").status == 200;
            // Asked after it was seen idle: what it says now is no older.
            let said = asked(old.check(), PLAIN).body;
            assert!(acts || said == FOLLOWER, "the service has stepped down, and the check says {said:?}");
            (!acts).then_some(())
        });
        cluster.next_leader(old);
    }
}

#[test]
fn cmn_4_agent_check_says_one_line() {
    let cluster = settled();
    let leader = cluster.leader();
    let follower = cluster.others(leader).next().unwrap();
    assert_eq!(line(leader), "up\n");
    assert_eq!(line(follower), format!("down #{FOLLOWER}\n"));
    let mut talkative = TcpStream::connect(leader.agent_check()).unwrap();
    talkative.write_all(b"web/n1\n").unwrap();
    let mut text = String::new();
    talkative.read_to_string(&mut text).expect("not reset");
    assert_eq!(text, "up\n");
}

/// An act at a standby is redirected to the leader: any client that follows redirects gets it done.
#[test]
fn cmn_7_acts_are_redirected_to_the_leader() {
    let cluster = settled();
    let leader = cluster.leader();
    let follower = cluster.others(leader).next().unwrap();
    let before = leader.group().unwrap().epoch;
    cluster.wait_for("the follower knows who leads", |_| follower.group()?.leader);
    let path = "/api/groups/web/switchover";
    let answer = follower.post(path, "").unwrap();
    assert_eq!(answer.status, 307, "{answer:?}");
    let location = format!("location: {}{path}", leader.url());
    assert!(answer.head.lines().any(|line| line.eq_ignore_ascii_case(&location)), "{}", answer.head);
    let told: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(told["leader"], leader.url());
    assert_eq!(leader.group().unwrap().epoch, before, "nothing has changed yet");
    if !program::have("curl", "curl") {
        return;
    }
    let url = format!("{}{path}", follower.url());
    let to = format!("{{\"to\":\"{}\"}}", follower.name);
    let done = program::run("curl".as_ref(), &["-sS", "-L", "-f", "-X", "POST", "-d", &to, &url]);
    assert!(done.code == Some(0) && done.out.contains("\"what\":\"switchover\""), "{done:?}");
    cluster.wait_for("it leads", |_| follower.leads().then_some(()));
}

/// `on_standby = "redirect"`: a standby's proxy names the leader's, and carries nothing there itself.
#[test]
fn cmn_7_requests_are_redirected_to_the_leaders_proxy() {
    if !net::possible() {
        return;
    }
    let redirecting = |spec: Spec, number| spec.only(number, "proxy", "on_standby", "\"redirect\"");
    let spec = (1..=3).fold(Spec::writer().apart().hot().proxy("30s"), redirecting);
    let cluster = Cluster::settled(spec);
    for _ in 0..2 {
        let leader = cluster.settle();
        let epoch = leader.group().unwrap().epoch;
        let own = format!("\"node\":\"{}\"", leader.name);
        for node in cluster.nodes() {
            cluster.wait_for("it knows who leads", |_| node.group().filter(|it| it.epoch == epoch && it.serving));
            let answer = asked(
                node.proxy(),
                "POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
            );
            if node.name == leader.name {
                assert!(answer.status == 200 && answer.body.contains(&own), "{answer:?}");
                continue;
            }
            assert_eq!(answer.status, 307, "{answer:?}");
            let location = format!("location: http://{}/a/b?c=d", leader.proxy());
            assert!(answer.head.lines().any(|line| line.eq_ignore_ascii_case(&location)), "{}", answer.head);
            assert!(!answer.body.contains("node"), "nothing was carried: {answer:?}");
            let url = format!("http://{}/", node.proxy());
            if program::have("curl", "curl") {
                let followed = program::run("curl".as_ref(), &["-sS", "-L", "-f", &url]);
                assert!(followed.code == Some(0) && followed.out.contains(&own), "{followed:?}");
            }
        }
        assert_eq!(leader.post("/api/groups/web/switchover", "").unwrap().status, 202);
        cluster.next_leader(leader);
    }
}
