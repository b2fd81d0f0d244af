//! AMP's REST under `/v1/server`, asked as its own clients ask.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use hotseat_lab::http::{Answer, ask};
use hotseat_lab::{Cluster, Node, Spec};
use serde_json::Value;

/// How AMP's command-line client begins every request: with credentials that nobody asked for.
fn head(method: &str, path: &str) -> String {
    format!(
        "{method} /v1/server{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Basic YWRtaW46cGFzc3dvcmQ=\r\n\
         Accept: application/json, text/plain\r\n"
    )
}

fn send(node: &Node, request: &str) -> Answer {
    let answer = ask(node.address(), request, Duration::from_secs(10)).unwrap();
    let head = answer.head.to_ascii_lowercase();
    assert!(head.contains("\r\ncontent-type: "), "no Content-Type: {request}\n{head}");
    answer
}

fn get(node: &Node, path: &str) -> Answer {
    send(node, &format!("{}\r\n", head("GET", path)))
}

fn json(node: &Node, path: &str) -> Value {
    let answer = get(node, path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn check(node: &Node, path: &str, body: &str) {
    let answer = get(node, path);
    assert_eq!((answer.status, answer.body.as_str()), (200, body), "{} {path}", node.name);
}

#[test]
fn amp_9_tells_how_the_server_is() {
    let cluster = Cluster::settled(Spec::demo().nodes(2).hot().only(1, "group", "priority", "5"));
    let n1 = cluster.node("n1");
    cluster.wait_for("n1 leads, by its priority or not", |cluster| cluster.leader().group());
    for node in cluster.nodes() {
        check(node, "/up", "true");
        check(node, "/healthy", "true");
        check(node, "/shuttingDown", "false");
        check(node, "/planeid", &format!("\"{}\"", cluster.name));
    }
    check(n1, "/ha/priority", "5");
    assert_eq!(json(n1, "/version")["version"], env!("CARGO_PKG_VERSION"));
    let extended = json(n1, "/up/extended");
    assert_eq!((&extended["up"], &extended["shuttingDown"]), (&true.into(), &false.into()), "{extended}");
    assert_eq!((&extended["ha"]["ownId"], &extended["ha"]["planeId"]), (&"n1".into(), &cluster.name.as_str().into()));
    let metrics = json(n1, "/ha/metrics");
    assert_eq!(metrics["highAvailability"]["priority"], 5, "{metrics}");
    assert_eq!(metrics["highAvailability"]["heartbeatTimeout"], 2000, "{metrics}");
    assert!(metrics["currentTimeUtc"].as_u64() >= metrics["startTimeUtc"].as_u64(), "{metrics}");
}

/// The states, byte for byte: their clients compare with quotes.
#[test]
fn amp_2_states_are_amps_words() {
    let cluster = Cluster::settled(Spec::demo().nodes(3).hot().only(3, "group", "mode", "\"HOT_BACKUP\""));
    let leader = cluster.leader();
    let backup = cluster.node("n3");
    let standby = cluster.others(leader).find(|node| node.name != "n3").unwrap();
    check(leader, "/ha/state", "\"MASTER\"");
    check(standby, "/ha/state", "\"HOT_STANDBY\"");
    check(backup, "/ha/state", "\"HOT_BACKUP\"");
    check(backup, "/ha/state?group=web", "\"HOT_BACKUP\"");
    let states = json(standby, "/ha/states");
    assert_eq!((&states["ownId"], &states["masterId"]), (&standby.name.as_str().into(), &leader.name.as_str().into()));
    let node = &states["nodes"][&leader.name];
    let fields: Vec<_> = node.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["localTimestamp", "nodeId", "nodeUri", "priority", "remoteTimestamp", "status"]);
    assert_eq!((&node["nodeUri"], &node["status"]), (&leader.url().into(), &"MASTER".into()));
    let killed = standby.agent();
    hotseat_lab::processes::signal(killed, rustix::process::Signal::KILL);
    cluster.wait_for("the killed one is TERMINATED", |_| {
        (json(leader, "/ha/states")["nodes"][&standby.name]["status"] == "TERMINATED").then_some(())
    });
}

/// `MASTER` is said only once the promotion is complete: while the service is not ready, nobody is.
#[test]
fn amp_2_master_only_when_the_promotion_is_complete() {
    let cluster =
        Cluster::start(Spec::demo().nodes(1).service("ready", r#"{ command = ["test", "-e", "{data_dir}/ready"] }"#));
    let node = cluster.node("n1");
    cluster.wait_for("it leads, not ready", |_| node.group().filter(|group| group.leader.is_some() && !group.serving));
    check(node, "/ha/state", "\"INITIALIZING\"");
    assert_eq!(json(node, "/ha/states")["masterId"], Value::Null);
    std::fs::write(node.path("data/ready"), "").unwrap();
    cluster.wait_for("it is ready", |_| (get(node, "/ha/state").body == "\"MASTER\"").then_some(()));
    assert_eq!(json(node, "/ha/states")["masterId"], "n1");
}

/// Errors have a `message`, which is what AMP's client shows.
#[test]
fn amp_9_errors_are_json_with_a_message() {
    let cluster = Cluster::settled(Spec::demo().nodes(1));
    let node = cluster.leader();
    for (path, status) in [("/nothing", 404), ("/ha/state?group=none", 404), ("/ha/states?group=a&group=b", 400)] {
        let answer = get(node, path);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.status, body["error"].as_u64()), (status, Some(u64::from(status))), "{path}: {body}");
        assert!(!body["message"].as_str().unwrap().is_empty(), "{path}: {body}");
    }
}
