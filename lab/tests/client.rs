//! Programs that find the leader by themselves: the library, and the example over plain HTTP.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use hotseat_client::{Leader, Leading};
use hotseat_lab::spec::{GROUP, Store};
use hotseat_lab::{CEILING, Cluster, Node, Spec, http, on_every_store, program};
use tokio::runtime::Runtime;

on_every_store!(amp_14_a_client_finds_the_leader_by_itself, cmn_7_a_client_tries_the_next_member);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Waits until the follower says that another leads, in a later epoch.
fn next(runtime: &Runtime, leader: &mut Leader, before: &Leading) -> Leading {
    let next = async {
        loop {
            match leader.current() {
                Some(now) if now.epoch > before.epoch => return now,
                _ => assert!(leader.changed().await),
            }
        }
    };
    let found = runtime.block_on(async { tokio::time::timeout(CEILING, next).await });
    found.unwrap_or_else(|_| panic!("still {before:?}: {:?}", leader.trouble()))
}

/// What was told is true: its service answers as the leader of that epoch.
fn check(cluster: &Cluster, told: &Leading) {
    let node = cluster.node(&told.node);
    let service = node.service();
    assert_eq!((told.service.as_deref(), told.agent.as_str()), (Some(&*service.to_string()), &*node.url()));
    let answer = http::get(service, "/").expect("it answers");
    let said: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&said["node"], &said["epoch"]), (&told.node.as_str().into(), &told.epoch.into()), "{answer:?}");
}

fn amp_14_a_client_finds_the_leader_by_itself(store: Store) {
    let cluster = Cluster::settled(Spec::demo().hot().store(store));
    let runtime = runtime();
    let seed = cluster.others(cluster.leader()).next().unwrap();
    let mut leader = {
        let _inside = runtime.enter();
        Leader::follow([seed.url()], GROUP).unwrap()
    };
    let first = runtime.block_on(async { tokio::time::timeout(CEILING, leader.led()).await }).unwrap();
    check(&cluster, &first);
    assert_eq!(leader.members().len(), 3, "all are learnt from one");

    // The leader dies: it is told by the seed.
    cluster.node(&first.node).kill_agent();
    let second = next(&runtime, &mut leader, &first);
    check(&cluster, &second);
    heal(&cluster);

    // A planned change, asked for through the follower.
    let to = cluster.nodes().iter().find(|node| node.name != second.node).unwrap();
    runtime.block_on(leader.switchover(Some(&to.name))).unwrap();
    let third = next(&runtime, &mut leader, &second);
    assert_eq!(third.node, to.name);
    check(&cluster, &third);
    cluster.settle();

    // The only seed dies, and then whoever leads.
    seed.kill_agent();
    cluster.settle();
    cluster.leader().kill_agent();
    heal(&cluster);
    let last = next(&runtime, &mut leader, &third);
    check(&cluster, &last);
}

/// A member that stopped answering, but still takes connections, holds nobody up.
fn cmn_7_a_client_tries_the_next_member(store: Store) {
    let cluster = Cluster::settled(Spec::demo().hot().store(store));
    let runtime = runtime();
    let old = cluster.leader();
    let seeds = [String::from("127.0.0.1:9"), old.url()];
    let mut leader = {
        let _inside = runtime.enter();
        Leader::follow(seeds, GROUP).unwrap()
    };
    let first = runtime.block_on(async { tokio::time::timeout(CEILING, leader.led()).await }).unwrap();
    assert_eq!(first.node, old.name);
    old.stop_agent();
    let second = next(&runtime, &mut leader, &first);
    check(&cluster, &second);
    old.continue_agent();
}

/// Starts again what was killed.
fn heal(cluster: &Cluster) {
    for node in cluster.nodes().iter().filter(|node| !node.runs()) {
        node.start();
    }
    cluster.settle();
}

/// The example in Python, and what it prints.
struct Script {
    child: Child,
    lines: Receiver<String>,
}

impl Script {
    fn start(seed: &Node) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/examples/follow.py");
        let mut command = Command::new("python3");
        command.arg(path).args([GROUP, &seed.address().to_string()]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (out, (tell, lines)) = (child.stdout.take().unwrap(), channel());
        std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|it| tell.send(it)));
        Self { child, lines }
    }

    /// The next leader that it prints.
    fn led(&self) -> (String, u64) {
        loop {
            let line = self.lines.recv_timeout(CEILING).expect("it prints a leader");
            let said: serde_json::Value = serde_json::from_str(&line).unwrap();
            if let (Some(node), Some(epoch)) = (said["node"].as_str(), said["epoch"].as_u64()) {
                return (node.to_owned(), epoch);
            }
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn amp_14_so_does_a_script() {
    if !program::have("python3", "python3") {
        return;
    }
    let cluster = Cluster::settled(Spec::demo().hot());
    let old = cluster.leader();
    let script = Script::start(old);
    assert_eq!(script.led(), (old.name.clone(), 1));
    // It leads, and is the only member that the script was told of.
    old.kill_agent();
    let (node, epoch) = script.led();
    assert!(node != old.name && epoch == 2, "{node} {epoch}");
    assert_eq!(cluster.leader().name, node);
}
