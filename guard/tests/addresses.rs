//! Virtual IP addresses: whoever of agent, guard and keeper is killed or stopped, none outlives its session, and none that
//! is somebody else's is touched. Each test has a network namespace of its own.
#![allow(missing_docs, clippy::unwrap_used)]

mod stage;

use std::process::Command as Program;
use std::time::{Duration, Instant};

use hotseat_guard::{Address, Answer, Command, Containment, Look, Report};
use rustix::process::Signal;
use rustix::thread::{UnshareFlags, unshare_unsafe};
use stage::{Agent, Held, Stage, have, signal, until};

/// The kernel's own time-out for an address; so far away that it plays no part.
const FAR: u32 = 3600;
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(500);
const SERVICE: &str = "echo ready >&2; while :; do sleep 300; done";
/// So long an address with a lifetime of one second is watched.
const SEVERAL_LIFETIMES: Duration = Duration::from_millis(3500);

/// A machine of its own, with one interface that is up.
struct Machine {
    stage: Stage,
    index: u32,
}

/// `None`, and said so, where this is not root.
fn machine() -> Option<Machine> {
    let root = rustix::process::geteuid().is_root();
    assert!(root || std::env::var("CI").as_deref() != Ok("true"), "this has to run as root");
    if !root || !have("ip", "iproute2") {
        println!("skipped: needs root");
        return None;
    }
    enter_a_new_namespace();
    ip("link set lo up");
    ip("link add seat0 type veth peer name seat1");
    ip("link set seat1 up");
    ip("link set seat0 up");
    ip("address add 10.9.0.1/24 dev seat0");
    let index = Look::new().unwrap().link("seat0").unwrap().index;
    Some(Machine { stage: Stage::new(Containment::Auto), index })
}

/// The calling thread, and what it starts.
#[allow(unsafe_code)]
fn enter_a_new_namespace() {
    // SAFETY: a new network namespace takes no descriptor and no memory away from other threads.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.unwrap();
}

fn ip(words: &str) {
    let done = Program::new("ip").args(words.split(' ')).output().unwrap();
    assert!(done.status.success(), "ip {words}: {}", String::from_utf8_lossy(&done.stderr));
}

impl Machine {
    fn of(&self, ip: &str, prefix: u8) -> Address {
        Address { interface: self.index, ip: ip.parse().unwrap(), prefix }
    }

    /// One of each family.
    fn floating(&self) -> [Address; 2] {
        [self.of("10.9.0.50", 24), self.of("fd00:9::50", 64)]
    }

    fn up(&self) -> usize {
        let all = Look::new().unwrap().addresses().unwrap();
        self.floating().iter().filter(|address| all.contains(address)).count()
    }

    fn wait_until_down(&self) {
        until("the addresses are gone", || self.up() == 0);
        let all = Look::new().unwrap().addresses().unwrap();
        assert!(all.contains(&self.of("10.9.0.1", 24)), "the machine's own address stays: {all:?}");
    }

    /// An agent in a process of its own, whose guard has raised the addresses.
    fn agent(&self, deadline: Duration, seconds: u32) -> Agent {
        let all = self.floating().map(|it| format!("{}={it}", it.interface)).join(" ");
        let variables = [("RAISE", all.as_str()), ("SECONDS_LEFT", &seconds.to_string())];
        let agent = self.stage.agent_with(deadline, SERVICE, &variables);
        until("the addresses are up", || self.up() == 2);
        agent
    }

    fn hold(&self) -> Held {
        let mut settings = self.stage.settings();
        settings.addresses = true;
        let held = self.stage.hold_with(&settings);
        held.extend(Duration::from_secs(600));
        held
    }
}

#[test]
fn agent_killed() {
    let Some(machine) = machine() else { return };
    let agent = machine.agent(LONG, FAR);
    signal(agent.pid(), Signal::KILL);
    machine.stage.hear();
    assert_eq!(machine.up(), 0, "up when the word came (D5)");
    machine.wait_until_down();
}

#[test]
fn agent_stopped() {
    let Some(machine) = machine() else { return };
    let agent = machine.agent(SHORT, FAR);
    signal(agent.pid(), Signal::STOP);
    machine.stage.hear();
    assert_eq!(machine.up(), 0, "up when the word came (D5)");
}

/// Nobody is left to give a word: the keeper lowers what the guard held.
#[test]
fn guard_killed() {
    let Some(machine) = machine() else { return };
    let agent = machine.agent(LONG, FAR);
    signal(agent.guard, Signal::KILL);
    machine.wait_until_down();
    machine.stage.wait_until_dead();
    assert_eq!(machine.stage.ask(), Answer::NoGuard);
}

#[test]
fn agent_and_guard_killed() {
    let Some(machine) = machine() else { return };
    let agent = machine.agent(LONG, FAR);
    signal(agent.guard, Signal::KILL);
    signal(agent.pid(), Signal::KILL);
    machine.wait_until_down();
}

/// A guard that is stopped and thawed again does not call back what its keeper has lowered.
#[test]
fn guard_stopped() {
    let Some(machine) = machine() else { return };
    let agent = machine.agent(SHORT, 1);
    signal(agent.guard, Signal::STOP);
    signal(agent.pid(), Signal::STOP);
    machine.stage.wait_until_dead();
    machine.wait_until_down();
    signal(agent.guard, Signal::CONT);
    machine.stage.hear();
    assert_eq!(machine.up(), 0);
}

/// Everything of ours is frozen: the kernel itself takes the addresses away.
#[test]
fn all_stopped() {
    let Some(machine) = machine() else { return };
    let agent = machine.agent(LONG, 1);
    for pid in [agent.pid(), agent.keeper, agent.guard] {
        signal(pid, Signal::STOP);
    }
    machine.wait_until_down();
}

#[test]
fn an_address_outlives_its_lifetime_while_it_is_held() {
    let Some(machine) = machine() else { return };
    let held = machine.hold();
    for address in machine.floating() {
        held.send(&Command::Raise { address, seconds: 1 });
        held.expect(&Report::Raised { address, errno: 0 });
    }
    let since = Instant::now();
    while since.elapsed() < SEVERAL_LIFETIMES {
        assert_eq!(machine.up(), 2, "after {:?}", since.elapsed());
        std::thread::sleep(Duration::from_millis(10));
    }
    for address in machine.floating() {
        held.send(&Command::Lower { address });
        held.expect(&Report::Lowered { address });
    }
    assert_eq!(machine.up(), 0);
}

/// What was there before is not ours: neither taken for it, nor ever lowered.
#[test]
fn somebody_elses_address_stays() {
    let Some(machine) = machine() else { return };
    let agents = [machine.of("10.9.0.1", 24), machine.of("fd00:9::1", 64)];
    ip("address add fd00:9::1/64 dev seat0 nodad");
    let held = machine.hold();
    for address in agents {
        held.send(&Command::Raise { address, seconds: FAR });
        held.expect(&Report::Raised { address, errno: rustix::io::Errno::EXIST.raw_os_error() });
        held.send(&Command::Lower { address });
        held.expect(&Report::Lowered { address });
    }
    held.send(&Command::End);
    machine.stage.hear();
    let all = Look::new().unwrap().addresses().unwrap();
    assert!(agents.iter().all(|address| all.contains(address)), "{all:?}");
}

#[test]
fn an_interface_that_vanishes_is_told() {
    let Some(machine) = machine() else { return };
    let held = machine.hold();
    let address = machine.floating()[0];
    held.send(&Command::Raise { address, seconds: 1 });
    held.expect(&Report::Raised { address, errno: 0 });
    ip("link delete seat0");
    held.expect(&Report::Raised { address, errno: rustix::io::Errno::NODEV.raw_os_error() });
    held.send(&Command::End);
    machine.stage.hear();
}

/// Without a word in the settings, after the deadline, or on no interface: refused, and said why.
#[test]
fn what_cannot_be_raised_is_refused() {
    let Some(machine) = machine() else { return };
    let address = machine.floating()[0];
    let refused = |held: &Held, address, errno: rustix::io::Errno| {
        held.send(&Command::Raise { address, seconds: FAR });
        held.expect(&Report::Raised { address, errno: errno.raw_os_error() });
    };
    refused(&machine.stage.hold(), address, rustix::io::Errno::OPNOTSUPP);
    let machine = Machine { stage: Stage::new(Containment::Tree), ..machine };
    let nowhere = Address { interface: 4_000_000, ..address };
    refused(&machine.hold(), nowhere, rustix::io::Errno::NODEV);
    let machine = Machine { stage: Stage::new(Containment::Tree), ..machine };
    let mut settings = machine.stage.settings();
    settings.addresses = true;
    refused(&machine.stage.hold_with(&settings), address, rustix::io::Errno::TIME);
    assert_eq!(machine.up(), 0);
}
