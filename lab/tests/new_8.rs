//! Real servers, unchanged, killed in every way: never two of them acting, and always one again.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Instant;

use hotseat_lab::servers::Server;
use hotseat_lab::{Node, program};

type Fault = fn(&Node) -> Instant;

/// What is done to the leading node; what it needs to be well again is done by [`heal`].
const FAULTS: &[(&str, Fault)] = &[
    ("service SIGKILL", Node::kill_service),
    ("agent SIGKILL", Node::kill_agent),
    ("agent SIGSTOP", Node::stop_agent),
    ("agent and service SIGKILL", Node::kill_agent_and_service),
    ("guard SIGKILL", Node::kill_guard),
    ("agent SIGTERM", Node::term),
    ("switchover", |node| {
        let done = node.cli(&["switchover", "--wait", "60s"]);
        assert_eq!(done.code, Some(0), "{done:?}");
        Instant::now()
    }),
];

/// Whether the leadership goes on where it was: a cold standby has nothing running that could take over.
fn stays(fault: &str) -> bool {
    fault == "service SIGKILL"
}

fn check(server: Server) {
    let (program, package) = server.program();
    if !program::have(&program, package) || !program::root() {
        return;
    }
    let cluster = server.cluster(2);
    let witness = cluster.witness();
    for (fault, strike) in FAULTS {
        let old = cluster.settle();
        let (epoch, pids) = (old.group().unwrap().epoch, old.pids(hotseat_lab::processes::Kind::Service));
        let observer = server.has_port().then(|| cluster.observe());
        strike(old);
        cluster.wait_for(&format!("a leader that serves after {fault}"), |cluster| {
            let leader = cluster.nodes().iter().find(|node| node.leads())?;
            let group = leader.group()?;
            let anew = leader.pids(hotseat_lab::processes::Kind::Service).iter().all(|pid| !pids.contains(pid));
            (group.serving && anew && (group.epoch > epoch || stays(fault))).then_some(())
        });
        heal(old);
        let leader = cluster.settle();
        println!("{server:?}: {fault}: {} → {}, epoch {}", old.name, leader.name, leader.group().unwrap().epoch);
        if let Some(observer) = observer {
            observer.stop().check_one_leader();
        }
    }
    let seen = witness.check_never_two();
    println!("{server:?}: {} looks, services on {:?}", seen.looks, seen.order);
}

/// Starts again what was killed, lets go on what was stopped.
fn heal(node: &Node) {
    let _ = node.continue_agent();
    if node.ended().is_some() || hotseat_lab::processes::look(node.agent()).is_none() {
        node.wait_exit();
        node.start();
    }
}

#[test]
fn new_8() {
    check(Server::Python);
}

#[test]
fn new_8_nginx() {
    check(Server::Nginx);
}

#[test]
fn new_8_redis() {
    check(Server::Redis);
}

#[test]
fn new_8_postgres() {
    check(Server::Postgres);
}

#[test]
fn new_8_nagios() {
    check(Server::Nagios);
}
