//! What a service is told, how it is looked after, and what happens around its changes of role.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use hotseat_lab::observer::demo;
use hotseat_lab::processes::{Kind, look};
use hotseat_lab::spec::array;
use hotseat_lab::{Cluster, Node, Spec, program};

/// One request on the service's socket.
fn ask_socket(node: &Node, request: &str) -> String {
    let mut stream = UnixStream::connect(node.path("data/run/web.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn told(node: &Node) -> hotseat_client::Self_ {
    let answer = ask_socket(node, "GET /self HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Says what it was told to a file, then is the demo service.
fn witness() -> Spec {
    let script = format!(
        "echo $HOTSEAT_NODE $HOTSEAT_ROLE $HOTSEAT_EPOCH $HOTSEAT_GROUP $HOTSEAT_SOCKET >> {{shared}}/told; exec {} demo-service --port {{port}}",
        program::hotseat().display()
    );
    Spec::demo().service("command", &array(&["sh", "-c", &script]))
}

#[test]
fn new_1() {
    let cluster = Cluster::settled(witness());
    let mut leader = cluster.leader();
    let mut epochs = vec![leader.group().unwrap().epoch];
    for _ in 0..2 {
        let old = leader;
        old.kill_agent();
        leader = cluster.next_leader(old).0;
        epochs.push(leader.group().unwrap().epoch);
        assert_eq!(demo(leader.service()), epochs.last().copied(), "the service knows its epoch");
        old.wait_exit();
        old.start();
        cluster.settle();
    }
    let own = told(leader);
    assert_eq!(
        (own.role.as_str(), own.epoch, own.node.as_str()),
        ("leader", *epochs.last().unwrap(), leader.name.as_str())
    );
    let lines = fs::read_to_string(cluster.root().join("shared/told")).unwrap();
    let words: Vec<Vec<_>> = lines.lines().map(|line| line.split(' ').collect()).collect();
    let given: Vec<u64> = words.iter().map(|words| words[2].parse().unwrap()).collect();
    assert_eq!(given, epochs, "in the environment, growing: {lines}");
    assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
    assert!(
        words.iter().all(|words| words[1] == "leader" && words[3] == "web" && words[4].ends_with("/web.sock")),
        "{lines}"
    );
}

#[test]
fn new_1_on_the_socket_of_a_hot_standby() {
    let cluster = Cluster::settled(Spec::demo().hot().nodes(2));
    let old = cluster.leader();
    let standby = cluster.others(old).next().unwrap();
    assert_eq!(told(standby).role, "standby");
    let pid = standby.pids(Kind::Service);
    assert_eq!(old.cli(&["switchover", "--wait", "60s"]).code, Some(0));
    cluster.settle();
    let own = told(standby);
    assert_eq!((own.role.as_str(), own.epoch), ("leader", standby.group().unwrap().epoch));
    assert_eq!(demo(standby.service()), Some(own.epoch), "it was pushed to the service");
    assert_eq!(standby.pids(Kind::Service), pid, "the same process was promoted");
    assert_eq!(told(old).role, "standby");
    let wrong = r#"{"cluster":"x","node":"n1","group":"web","role":"leader","epoch":99}"#;
    let length = wrong.len();
    let head = "POST /self/ack HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n";
    let answer = ask_socket(old, &format!("{head}Content-Length: {length}\r\n\r\n{wrong}"));
    assert!(answer.starts_with("HTTP/1.1 409"), "a stale confirmation is refused: {answer}");
}

/// Confirms that it leads, and never that it does not any more.
const USURPER: &str = "import json, os, socket, time
def ask(request):
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.environ['HOTSEAT_SOCKET'])
    s.sendall(request.encode())
    return s
watch = ask('GET /self/watch HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n').makefile()
for line in watch:
    if line.startswith('{') and json.loads(line)['role'] == 'leader':
        line = line.strip()
        head = 'POST /self/ack HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Type: application/json\\r\\nContent-Length: '
        ask(head + str(len(line)) + '\\r\\n\\r\\n' + line).recv(100)
time.sleep(300)
";

/// A hot service that watches and does not confirm its demotion is killed before the next one leads.
#[test]
fn who_does_not_confirm_its_demotion_is_killed() {
    let spec = Spec::of("python3").portless().hot().nodes(2).service("hook_timeout", "\"2s\"");
    let cluster = Cluster::settled(spec.service("command", &array(&["python3", "-c", USURPER])));
    let old = cluster.leader();
    let before = old.pids(Kind::Service);
    assert!(!before.is_empty());
    let done = old.cli(&["switchover", "--wait", "60s"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(before.iter().all(|pid| look(*pid).is_none()), "it was dead before another led");
    assert!(done.took >= Duration::from_secs(2), "it had its time to confirm: {:?}", done.took);
    cluster.settle();
    assert!(!old.leads());
}

#[test]
fn a_service_that_fails_its_checks_is_given_up_after_max_check_attempts() {
    let health = r#"{ command = ["test", "!", "-e", "{home}/sick"], interval = "100ms", timeout = "2s", max_check_attempts = 3 }"#;
    let cluster = Cluster::settled(Spec::demo().hot().service("health", health));
    let old = cluster.leader();
    let observer = cluster.observe();
    fs::write(old.path("sick"), "").unwrap();
    let (_, group) = cluster.next_leader(old);
    assert!(group.reason.starts_with("service unhealthy: "), "{}", group.reason);
    let failed: Vec<_> =
        old.events().into_iter().filter(|event| event.kind == "health-failed").map(|event| event.text).collect();
    assert!(failed[0].contains("1 of 3") && failed[1].contains("2 of 3") && failed[2].contains("3 of 3"), "{failed:?}");
    observer.stop().check_one_leader();
    fs::remove_file(old.path("sick")).unwrap();
    cluster.settle();
    assert!(!old.leads(), "well again, it stands by");
}

#[test]
fn hooks_run_in_order_and_within_their_time() {
    let hook =
        |name: &str| array(&["sh", "-c", &format!("echo {name} $HOTSEAT_NODE $HOTSEAT_EPOCH >> {{shared}}/hooks")]);
    let spec =
        Spec::demo().hot().nodes(2).service("on_promote", &hook("promote")).service("on_demote", &hook("demote"));
    let cluster = Cluster::settled(spec);
    let old = cluster.leader().name.clone();
    let new = cluster.others(cluster.node(&old)).next().unwrap().name.clone();
    assert_eq!(cluster.node(&old).cli(&["switchover", "--wait", "60s"]).code, Some(0));
    cluster.settle();
    let lines = fs::read_to_string(cluster.root().join("shared/hooks")).unwrap();
    let order: Vec<_> = lines.lines().map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect();
    assert_eq!(order, [format!("promote {old}"), format!("demote {old}"), format!("promote {new}")], "{lines}");
}

/// A hook that hangs is killed at its limit; a demotion goes on, by the death of the service.
#[test]
fn a_hook_that_hangs_holds_nobody_up() {
    let spec =
        Spec::demo().hot().nodes(2).service("on_demote", r#"["sleep", "300"]"#).service("hook_timeout", "\"500ms\"");
    let cluster = Cluster::settled(spec);
    let old = cluster.leader();
    let before = old.pids(Kind::Service);
    let observer = cluster.observe();
    let done = old.cli(&["switchover", "--wait", "60s"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.took < Duration::from_secs(20), "{:?}", done.took);
    assert!(before.iter().all(|pid| look(*pid).is_none()), "only its death is safe");
    cluster.settle();
    observer.stop().check_one_leader();
    assert!(old.processes().iter().all(|process| process.comm != "sleep"), "{:?}", old.processes());
}

#[test]
fn a_reload_takes_new_settings_and_a_broken_file_changes_nothing() {
    let cluster = Cluster::settled(Spec::demo().hot().group("priority", "1"));
    let leader = cluster.leader();
    let standby = cluster.others(leader).last().unwrap();
    let pids: Vec<_> = cluster.nodes().iter().map(|node| node.pids(Kind::Service)).collect();
    standby.edit("priority = 1", "priority = 9");
    standby.reload();
    cluster.wait_for("the new priority, seen by all", |_| {
        let knows = |node: &Node| {
            let members = node.group().map(|group| group.members).unwrap_or_default();
            members.iter().any(|member| member.node == standby.name && member.priority == 9)
        };
        cluster.nodes().iter().all(knows).then_some(())
    });
    standby.edit("priority = 9", "priority = nine");
    standby.reload();
    cluster.wait_for("words about the broken file", |_| standby.log().contains("settings in force stay").then_some(()));
    assert_eq!(standby.member().unwrap().priority, 9);
    assert!(leader.leads(), "a larger priority moves nobody: failback is never");
    let now: Vec<_> = cluster.nodes().iter().map(|node| node.pids(Kind::Service)).collect();
    assert_eq!(now, pids, "nothing was restarted");
    leader.kill_agent();
    assert_eq!(cluster.next_leader(leader).0.name, standby.name, "the new priority counts");
}
