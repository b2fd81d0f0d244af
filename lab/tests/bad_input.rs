//! What is wrong is refused with one clear error, or shown and lived with; it never harms what runs.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::net::TcpListener;

use hotseat_lab::processes::Kind;
use hotseat_lab::program::{Ended, hotseat, run};
use hotseat_lab::{Cluster, Node, Spec, program};

/// Runs the agent to its end, which comes at once, and expects these words in its one error.
fn refused(node: &Node, words: &[&str]) -> Ended {
    let ended = run(&hotseat(), &["run", "-c", node.path("hotseat.toml").to_str().unwrap()]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.err.matches("error: ").count(), 1, "{ended:?}");
    assert!(!ended.err.contains("panicked"), "{ended:?}");
    for word in words {
        assert!(ended.err.contains(word), "no {word:?} in\n{}", ended.err);
    }
    ended
}

fn prepared(spec: Spec) -> Cluster {
    Cluster::prepare(spec.nodes(1))
}

/// The same words from `run`, and from `config check`.
fn check_config(from: &str, to: &str, words: &[&str]) {
    let cluster = prepared(Spec::demo().group("priority", "1"));
    let node = cluster.node("n1");
    node.edit(from, to);
    let told = refused(node, words);
    let checked = run(&hotseat(), &["config", "check", node.path("hotseat.toml").to_str().unwrap()]);
    assert_eq!((checked.code, checked.err), (Some(1), told.err), "config check says the same");
}

#[test]
fn a_mistake_in_the_file_is_shown_where_it_is() {
    check_config(
        "priority = 1",
        "prioritee = 1",
        &["hotseat.toml:", ":1: unknown key \"prioritee\"", "| prioritee = 1", "^^^^^^^^^", "priority"],
    );
    check_config("priority = 1", "priority = \"high\"", &["hotseat.toml:", ":12: ", "| priority = \"high\""]);
    check_config("timing = \"lan\"", "timing = \"lam\"", &["lam", "\"lan\""]);
    check_config("[[group]]", "[[group]", &["hotseat.toml:"]);
    check_config("timing = \"lan\"", "timing = { ttl = \"1s\", store_timeout = \"900ms\" }", &["unsafe timing"]);
}

#[test]
fn a_file_that_is_none_is_refused() {
    let cluster = prepared(Spec::demo());
    let node = cluster.node("n1");
    fs::write(node.path("hotseat.toml"), [0xff, 0xfe, 0]).unwrap();
    refused(node, &["is not text"]);
    fs::write(node.path("hotseat.toml"), "").unwrap();
    refused(node, &["[cluster]"]);
    fs::remove_file(node.path("hotseat.toml")).unwrap();
    refused(node, &["there is no such file"]);
    fs::create_dir(node.path("hotseat.toml")).unwrap();
    refused(node, &["it is a directory"]);
}

#[test]
fn a_port_in_use_is_named() {
    let cluster = prepared(Spec::demo().proxy("1s"));
    let node = cluster.node("n1");
    let taken = TcpListener::bind(node.address()).unwrap();
    refused(node, &[&node.address().to_string(), "in use", "free port"]);
    drop(taken);
    let _taken = TcpListener::bind(node.proxy()).unwrap();
    refused(node, &["proxy", &node.proxy().to_string(), "in use"]);
}

#[test]
fn a_data_dir_that_cannot_be_used_is_named() {
    let cluster = prepared(Spec::demo());
    let node = cluster.node("n1");
    let data = node.path("data");
    fs::write(&data, "in its place").unwrap();
    refused(node, &["data_dir", data.to_str().unwrap()]);
    fs::remove_file(&data).unwrap();
    if !program::root() {
        return;
    }
    fs::create_dir(&data).unwrap();
    let mounted = run("mount".as_ref(), &["-t", "tmpfs", "-o", "size=16k", "tmpfs", data.to_str().unwrap()]);
    assert_eq!(mounted.code, Some(0), "{mounted:?}");
    let filled = fs::write(data.join("filler"), vec![1; 64 << 10]);
    let ended = filled.is_err().then(|| run(&hotseat(), &["run", "-c", node.path("hotseat.toml").to_str().unwrap()]));
    run("umount".as_ref(), &[data.to_str().unwrap()]);
    let ended = ended.expect("it is full");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("data_dir") && ended.err.contains("No space left"), "{ended:?}");
}

#[test]
fn a_store_that_cannot_be_used_is_named() {
    let cluster = prepared(Spec::demo());
    let node = cluster.node("n1");
    fs::remove_dir(cluster.store()).unwrap();
    fs::write(cluster.store(), "in its place").unwrap();
    refused(node, &["[cluster] store", "is not a directory"]);
}

#[test]
fn a_second_agent_in_one_data_dir_is_refused() {
    let cluster = Cluster::prepare(Spec::demo().nodes(2));
    let (first, second) = (cluster.node("n1"), cluster.node("n2"));
    first.start();
    cluster.settle();
    let (theirs, ours) = (second.path("data"), first.path("data"));
    second.edit(theirs.to_str().unwrap(), ours.to_str().unwrap());
    refused(second, &["data_dir", "in use by another agent", &format!("pid {}", first.agent())]);
    assert!(first.leads());
    let pid = fs::read_to_string(first.path("data/pid.txt")).unwrap();
    assert_eq!(pid.trim(), first.agent().to_string(), "the file of the first is untouched");
}

/// The agent lives, says what is wrong, tries again with longer and longer pauses, and does not burn the CPU.
fn check_hopeless(command: &str, trouble: &str) {
    let spec = Spec::of("x").portless().nodes(1).service("command", command);
    let cluster = Cluster::start(spec.service("restart", r#"{ backoff = "200ms", max = "800ms", attempts = 3 }"#));
    let node = cluster.node("n1");
    let starts = || node.events().iter().filter(|event| event.kind == "service-started").count();
    cluster.wait_for("several tries", |_| (node.get("/health").is_some() && starts() >= 4).then_some(()));
    cluster.wait_for("clear words", |_| node.member()?.trouble.filter(|text| text.contains(trouble)));
    let told = node.events();
    let pauses: Vec<_> =
        told.iter().filter(|event| event.kind == "service-restarts").map(|event| &event.text).collect();
    assert!(pauses[0].contains("restarts in 0 ms") && pauses[2].contains("restarts in 400 ms"), "{pauses:?}");
    let status = node.cli(&["status"]);
    assert_eq!(status.code, Some(0), "{status:?}");
    assert!(status.out.contains(trouble), "status says what is wrong:\n{}", status.out);
    let check = node.cli(&["check"]);
    assert!(matches!(check.code, Some(1 | 2)), "{check:?}");
    assert_eq!(node.status("/leader/web"), 503);
}

#[test]
fn a_command_that_does_not_exist_is_tried_again_and_told() {
    check_hopeless(r#"["/nowhere/to/be/found"]"#, "No such file");
}

#[test]
fn a_command_that_dies_at_once_is_tried_again_and_told() {
    check_hopeless(r#"["sh", "-c", "exit 3"]"#, "exit code 3");
}

/// Where one node cannot run the service and another can, the other leads.
#[test]
fn a_node_that_cannot_run_the_service_hands_over() {
    let spec = Spec::demo().nodes(2).only(1, "service", "command", r#"["false"]"#).only(1, "service", "port", "1");
    let spec = spec.service("restart", r#"{ backoff = "50ms", max = "100ms", attempts = 3 }"#);
    let cluster = Cluster::prepare(spec.only(1, "group", "priority", "9"));
    cluster.node("n1").start();
    cluster.wait_for("n1 leads and fails", |cluster| {
        cluster.node("n1").member().filter(|member| member.trouble.is_some()).map(drop)
    });
    cluster.node("n2").start();
    cluster.wait_for("n2 serves", |cluster| cluster.node("n2").leads().then_some(()));
    assert!(cluster.node("n1").pids(Kind::Service).is_empty());
}

/// A share that is not mounted looks like an empty directory: epochs would begin anew there, beside the real ones.
#[test]
fn another_store_in_place_of_the_known_one_is_refused() {
    let cluster = Cluster::settled(Spec::demo().nodes(2));
    let node = cluster.others(cluster.leader()).next().expect("two nodes");
    node.term();
    node.wait_exit();
    let empty = node.path("empty");
    fs::create_dir(&empty).unwrap();
    let text = fs::read_to_string(node.path("hotseat.toml")).unwrap();
    let store = text.lines().find(|line| line.starts_with("store")).expect("a store").to_owned();
    node.edit(&store, &format!("store = \"dir:{}\"", empty.display()));
    refused(node, &["not the store that this node has used before", "Is the share mounted?"]);
    node.edit(&format!("store = \"dir:{}\"", empty.display()), &store);
    node.start();
    cluster.settle();
}

/// A stranger on the service's port would pass for the service.
#[test]
fn a_port_that_somebody_else_uses_is_no_ready_service() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port();
    let spec = Spec::of("sleep 600").nodes(1).service("port", &port.to_string());
    let cluster = Cluster::start(spec);
    let node = cluster.node("n1");
    cluster
        .wait_for("the reason in the log", |_| node.log().contains("another program uses its address").then_some(()));
    assert!(!node.group().is_some_and(|group| group.serving), "nobody serves");
}
