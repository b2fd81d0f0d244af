//! Programs that link the client and elect one of them: one leads at a time, whatever is killed, frozen or stopped.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hotseat_client::{Candidate, Error};
use hotseat_lab::spec::Store;
use hotseat_lab::{CEILING, Cluster, Node, Registers, Spec, http, on_every_store, poll, processes, program};
use rustix::process::Signal;

on_every_store!(
    new_8_linked,
    new_8_linked_and_agents_that_fail,
    a_program_and_a_lock_wait_for_each_other,
    who_resigns_holds_up_nobody
);

/// The election's name.
const NAME: &str = "linked";

/// A program that campaigns through the agent of a node. Dropped, it is killed.
struct Program<'a> {
    node: &'a Node,
    child: Child,
}

impl<'a> Program<'a> {
    fn start(node: &'a Node, registers: &Registers) -> Self {
        let places = [registers.fenced().to_string(), registers.open().to_string()];
        let mut command = Command::new(program::candidate());
        command.args([NAME, &node.name, &node.url()]).args(places).stdin(Stdio::null());
        Self { node, child: command.spawn().unwrap() }
    }

    fn send(&self, signal: Signal) {
        processes::signal(self.child.id().cast_signed(), signal);
    }

    fn resign(&self) {
        self.send(Signal::USR1);
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn registers() -> Registers {
    Registers::start(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// Waits until somebody writes under a later epoch; who and which.
fn next(registers: &Registers, after: u64) -> (String, u64) {
    let found = || {
        let acts = registers.history().acts;
        acts.iter().find(|act| act.epoch > after).map(|act| (act.node.clone(), act.epoch))
    };
    poll(CEILING, found).unwrap_or_else(|| panic!("nobody leads after epoch {after}"))
}

/// The program of this name.
fn named<'p, 'a>(programs: &'p mut [Program<'a>], name: &str) -> &'p mut Program<'a> {
    programs.iter_mut().find(|program| program.node.name == name).unwrap()
}

/// The program that leads is killed, frozen and thawed, or asked to resign.
fn new_8_linked(store: Store) {
    let cluster = Cluster::settled(Spec::demo().store(store));
    let registers = registers();
    let mut programs: Vec<_> = cluster.nodes().iter().map(|node| Program::start(node, &registers)).collect();
    let mut last = 0;
    for fault in ["killed", "frozen", "resigned", "frozen", "killed"] {
        let (name, epoch) = next(&registers, last);
        let program = named(&mut programs, &name);
        match fault {
            "killed" => program.send(Signal::KILL),
            "frozen" => program.send(Signal::STOP),
            _ => program.resign(),
        }
        let (other, later) = next(&registers, epoch);
        println!("{fault}: {name} in epoch {epoch}, then {other} in {later}");
        match fault {
            "killed" => {
                let node = program.node;
                *program = Program::start(node, &registers);
            }
            "frozen" => program.send(Signal::CONT),
            _ => {}
        }
        last = epoch;
    }
    registers.check();
}

/// The agent that stands for the program that leads is killed, frozen, or stopped in order.
fn new_8_linked_and_agents_that_fail(store: Store) {
    let cluster = Cluster::settled(Spec::demo().store(store));
    let registers = registers();
    let _programs: Vec<_> = cluster.nodes().iter().map(|node| Program::start(node, &registers)).collect();
    let mut last = 0;
    for fault in ["killed", "frozen", "stopped"] {
        let (name, epoch) = next(&registers, last);
        let node = cluster.node(&name);
        match fault {
            "killed" => _ = node.kill_agent(),
            "frozen" => _ = node.stop_agent(),
            _ => _ = node.term(),
        }
        let (other, later) = next(&registers, epoch);
        println!("agent {fault}: {name} in epoch {epoch}, then {other} in {later}");
        if fault == "frozen" {
            node.continue_agent();
        } else {
            node.wait_exit();
            node.start();
        }
        cluster.settle();
        last = epoch;
    }
    registers.check();
}

/// An election is a lock, and a lock an election.
fn a_program_and_a_lock_wait_for_each_other(store: Store) {
    let cluster = Cluster::settled(Spec::demo().store(store).nodes(2));
    let registers = registers();
    let (here, there) = (&cluster.nodes()[0], &cluster.nodes()[1]);
    let program = Program::start(here, &registers);
    assert_eq!(next(&registers, 0), (here.name.clone(), 1));
    let listed = there.cli(&["lock", "--list"]);
    let pid = format!("{} (pid {})", here.name, program.child.id());
    assert!(listed.out.contains(&pid), "{listed:?}");
    let mut lock = Command::new(program::hotseat());
    lock.args(["lock", NAME, "--url", &there.url(), "--", "sh", "-c", "echo $HOTSEAT_EPOCH; read end"]);
    let mut lock = lock.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let waits = || there.cli(&["lock", "--list"]).out.contains(&format!("pid {}", lock.id())).then_some(());
    poll(CEILING, waits).expect("the lock waits");
    program.resign();
    let mut line = String::new();
    BufReader::new(lock.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "2\n", "the lock has it, in the next epoch");
    drop(lock.stdin.take());
    lock.wait().unwrap();
    assert_eq!(next(&registers, 1), (here.name.clone(), 3));
    registers.check();
}

/// In process: what a campaign gives, what it says of itself, and how it ends.
fn who_resigns_holds_up_nobody(store: Store) {
    // So long that nobody gets anywhere in this test by waiting for silence.
    let cluster = Cluster::start(Spec::demo().store(store).nodes(1).cluster("timing", "{ ttl = \"20s\" }"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let url = cluster.nodes()[0].url();
    runtime.block_on(async {
        let candidate = Candidate::new(&url, NAME).unwrap();
        let within = |campaign| tokio::time::timeout(CEILING, campaign);
        let first = within(candidate.campaign()).await.unwrap().unwrap();
        assert!(first.is_leader() && first.epoch() == 1 && first.left() > Duration::from_secs(10));
        // It waits, and is no candidate any more once it is dropped.
        let waits = tokio::time::timeout(Duration::from_millis(300), candidate.campaign()).await;
        assert!(waits.is_err(), "{waits:?}");
        first.resign().await;
        let second = within(candidate.campaign()).await.unwrap().unwrap();
        // That a campaign was dropped is told in the background: on a busy machine it was elected meanwhile, and resigned.
        let epoch = second.epoch();
        assert!((2..=3).contains(&epoch), "{epoch}");
        drop(second);
        let third = within(candidate.campaign()).await.unwrap().unwrap();
        assert_eq!(third.epoch(), epoch + 1);
        assert_eq!(candidate.trouble(), None);
        let none = Candidate::new(&url, "no name").unwrap().campaign().await;
        assert!(matches!(&none, Err(Error::Refused(why)) if why.error.contains("is no name for a lock")), "{none:?}");
    });
}

/// What is no candidate's question is refused, and stands for nobody.
#[test]
fn hostile_questions_are_refused() {
    let cluster = Cluster::settled(Spec::demo().nodes(1));
    let node = &cluster.nodes()[0];
    let id = "0".repeat(32);
    let ask = |name: &str, more: &str, body: &str| {
        let head = format!("POST /api/elections/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{more}");
        let request = format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        http::ask(node.address(), &request, CEILING).unwrap()
    };
    let check = |answer: http::Answer, status: u16, says: &str| {
        assert!(answer.status == status && answer.body.contains(says), "{status} {says:?}: {answer:?}");
    };
    let body = |id: &str, more: &str| format!("{{\"candidate\": \"{id}\"{more}}}");
    check(ask("a", "Origin: http://evil\r\n", &body(&id, "")), 403, "not for web pages");
    check(ask("..", "", &body(&id, "")), 400, "is no name for a lock");
    check(ask("a", "", &body("+0", "")), 400, "32 hexadecimal digits");
    check(ask("a", "", &body(&id, ", \"lead\": true")), 422, "unknown field");
    // Nobody knows this one: it leads no more, and nothing is begun for it.
    check(ask("a", "", &body(&id, ", \"seen\": 3")), 200, "\"over\"");
    check(ask("a", "", &body(&id, ", \"resign\": true")), 200, "\"over\"");
    assert_eq!(node.get("/api/locks").unwrap().body, "[]");
}
