//! AMP's REST under `/v1/server`, asked as its own clients ask.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use hotseat_lab::http::{Answer, ask};
use hotseat_lab::spec::Store;
use hotseat_lab::{Case, Cluster, Node, Spec};
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

/// What AMP's `getMetrics` has besides: states with their times, newest first, and how reading and writing the store goes.
#[test]
fn amp_9_metrics_tell_what_was_when_and_how_the_store_is() {
    let cluster = Cluster::settled(Spec::demo().nodes(2).hot().store(Store::Dir));
    let old = cluster.leader();
    assert_eq!(post(old, "/ha/state", "", "mode=STANDBY").status, 200);
    let (new, _) = cluster.next_leader(old);
    for (node, newest, earlier) in [(new, "MASTER", "HOT_STANDBY"), (old, "HOT_STANDBY", "MASTER")] {
        let history = cluster.wait_for(&format!("{} is {newest}", node.name), |_| {
            let metrics = json(node, "/ha/metrics");
            let history = metrics["highAvailability"]["history"].as_array().cloned()?;
            (history.first()?["state"] == newest && metrics["state"] == newest).then_some(history)
        });
        assert!(history.iter().skip(1).any(|spell| spell["state"] == earlier), "{history:?}");
        let times: Vec<_> = history.iter().map(|spell| spell["timestamp"].as_u64().unwrap()).collect();
        assert!(times[0] > 0 && times.is_sorted_by(|a, b| a >= b), "{times:?}");
    }
    let well = json(new, "/ha/metrics")["managementStatePersistence"].clone();
    for of in ["read", "write"] {
        assert!(well[of]["count"].as_u64() > Some(0) && well[of]["lastDuration"].is_u64(), "{well}");
        assert!(well[of]["lastSuccessTimeUtc"].as_u64() > Some(0), "{well}");
    }
    new.lose_store();
    cluster.wait_for("failures are told", |_| {
        let read = json(new, "/ha/metrics")["managementStatePersistence"]["read"].clone();
        let told = !read["errorMessages"][0]["error"].as_str()?.is_empty();
        (told && read["failureCount"].as_u64()? > 0 && read["lastFailureTimeUtc"].is_u64()).then_some(())
    });
    new.find_store();
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

/// A POST as their clients send it; `more` are further headers.
fn post(node: &Node, path: &str, more: &str, body: &str) -> Answer {
    let length = body.len();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/x-www-form-urlencoded\r\n" };
    send(node, &format!("{}{more}{kind}Content-Length: {length}\r\n\r\n{body}", head("POST", path)))
}

/// What makes a node that does not lead change what is about itself.
const ALLOW: &str = "Brooklyn-Allow-Non-Master-Access: true\r\n";

fn refused(answer: &Answer, status: u16, part: &str) -> Value {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, body["error"].as_u64()), (status, Some(u64::from(status))), "{body}");
    assert!(body["message"].as_str().unwrap().contains(part), "{body}");
    body
}

#[test]
fn amp_10_asking_a_standby_to_become_master_is_a_planned_switchover() {
    let cluster = Cluster::settled(Spec::writer().nodes(3).hot());
    let case = Case::begin(&cluster);
    let standby = case.others()[0];
    let told = refused(&post(standby, "/ha/state", "", "mode=MASTER"), 403, &case.old.url());
    assert_eq!(told["data"]["leader"], case.old.url(), "{told}");
    check(standby, "/ha/state", "\"HOT_STANDBY\"");
    let answer = post(standby, "/ha/state", ALLOW, "mode=MASTER");
    assert_eq!((answer.status, answer.body.as_str()), (200, "\"HOT_STANDBY\""), "the state before");
    let (new, group) = case.successor(&case.others());
    assert_eq!((&new.name, group.reason.as_str()), (&standby.name, "switchover"));
    cluster.wait_for("it says so", |_| (get(standby, "/ha/state").body == "\"MASTER\"").then_some(()));
    let again = post(standby, "/ha/state", "", "mode=MASTER");
    assert_eq!((again.status, again.body.as_str()), (200, "\"MASTER\""), "nothing to be done");
    // The old leader has stopped before: at no instant do two answer as leader.
    case.end(1);
}

#[test]
fn amp_11_who_is_demoted_does_not_win_straight_back() {
    let cluster = Cluster::settled(Spec::writer().nodes(3).hot());
    let case = Case::begin(&cluster);
    let old = case.old;
    // As their client sends it: AMP's word, and no word on what kind of body it is.
    let answer = send(old, &format!("{}Content-Length: 12\r\n\r\nmode=STANDBY", head("POST", "/ha/state")));
    assert_eq!((answer.status, answer.body.as_str()), (200, "\"MASTER\""), "{}", answer.body);
    let (new, _) = case.successor(&case.others());
    assert_ne!(new.name, old.name);
    case.end(1);
}

#[test]
fn amp_12_dead_members_are_cleared() {
    let cluster = Cluster::settled(Spec::demo().nodes(3).hot());
    let leader = cluster.leader();
    let [dead, standby] = cluster.others(leader).collect::<Vec<_>>()[..] else { panic!("three nodes") };
    refused(&post(leader, "/ha/states/clear/node", "", &format!("nodeId={}", standby.name)), 409, &standby.name);
    hotseat_lab::processes::signal(dead.agent(), rustix::process::Signal::KILL);
    cluster.wait_for("it is dead", |_| {
        (json(leader, "/ha/states")["nodes"][&dead.name]["status"] == "TERMINATED").then_some(())
    });
    // Whichever node is asked.
    refused(&post(standby, "/ha/states/clear/node", "", &format!("nodeId={}", leader.name)), 409, &leader.name);
    let answer = post(standby, "/ha/states/clear", "", "");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, &body["removed"]), (200, &serde_json::json!([dead.name])), "{body}");
    cluster.wait_for("nobody lists it any more", |_| {
        [leader, standby].iter().all(|node| json(node, "/ha/states")["nodes"].get(&dead.name).is_none()).then_some(())
    });
    refused(&post(leader, "/ha/states/clear/node", "", "nodeId=nobody"), 404, "nobody");
}

#[test]
fn amp_9_priorities_are_set_and_stay() {
    let cluster = Cluster::settled(Spec::demo().nodes(2).hot());
    let leader = cluster.leader();
    let standby = cluster.others(leader).next().unwrap();
    refused(&post(standby, "/ha/priority", "", "priority=7"), 403, &leader.url());
    let answer = post(standby, "/ha/priority", ALLOW, "priority=7");
    assert_eq!((answer.status, answer.body.as_str()), (200, "0"), "the one before");
    cluster.wait_for("it is heeded", |_| (get(standby, "/ha/priority").body == "7").then_some(()));
    hotseat_lab::processes::signal(standby.agent(), rustix::process::Signal::TERM);
    standby.wait_exit();
    standby.start();
    cluster.wait_for("it has survived a restart", |_| {
        let answer = ask(standby.address(), &format!("{}\r\n", head("GET", "/ha/priority")), Duration::from_secs(10));
        (answer.ok()?.body == "7").then_some(())
    });
}

#[test]
fn amp_9_what_is_wrong_is_said() {
    let cluster = Cluster::settled(Spec::demo().nodes(1));
    let node = cluster.leader();
    refused(&post(node, "/ha/state", "", ""), 400, "Missing parameter: mode");
    refused(&post(node, "/ha/state", "", "mode=NONSENSE"), 400, "HOT_STANDBY");
    refused(&post(node, "/ha/priority", "", "priority=high"), 422, "priority");
    refused(&post(node, "/ha/states/clear/node", "", ""), 400, "Missing parameter: nodeId");
    refused(&post(node, "/ha/states/clear/node", "", "nodeId=.."), 400, "");
    let json = format!("{}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}", head("POST", "/ha/state"));
    refused(&send(node, &json), 415, "form");
    check(node, "/ha/state", "\"MASTER\"");
}

#[test]
fn amp_9_shutdown_hands_over_and_stops() {
    let cluster = Cluster::settled(Spec::demo().nodes(2).hot());
    let leader = cluster.leader();
    let standby = cluster.others(leader).next().unwrap();
    refused(&post(standby, "/shutdown", "", "stopAppsFirst=true"), 403, "not master");
    let answer = post(leader, "/shutdown", "", "");
    assert_eq!((answer.status, answer.body.as_str()), (200, "{\"shuttingDown\":true}"));
    assert!(leader.wait_exit().success());
    cluster.next_leader(leader);
}

#[test]
fn amp_9_what_was_ordered_is_exported_and_imported() {
    let spec = || Spec::demo().nodes(2).hot();
    let (first, second) = (Cluster::settled(spec()), Cluster::settled(spec()));
    let from = first.leader();
    assert_eq!(post(from, "/ha/priority", "", "priority=9").status, 200);
    first.wait_for("it is heeded", |_| (get(from, "/ha/priority").body == "9").then_some(()));
    let exported = get(from, "/ha/persist/export");
    assert!(exported.head.to_ascii_lowercase().contains("content-disposition: attachment"), "{}", exported.head);
    let import = |to: &Node, body: &str| {
        let length = body.len();
        let kind = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
        send(to, &format!("{}{kind}", head("POST", "/ha/persist/import")))
    };
    let to = second.leader();
    let epoch = to.group().unwrap().epoch;
    refused(&import(to, "{}"), 400, "not what was exported");
    let answer = import(to, &exported.body);
    assert_eq!((answer.status, answer.body.as_str()), (200, "{\"orders\":1}"), "{}", answer.body);
    let same = second.node(&from.name);
    second.wait_for("it is heeded there", |_| (get(same, "/ha/priority").body == "9").then_some(()));
    assert_eq!(second.leader().group().unwrap().epoch, epoch, "nobody is moved by a document");
}
