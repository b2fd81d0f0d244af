//! `etcdctl lock` as a contestant: an etcd on every host, and a loop that holds a lock and runs the service under it. Each
//! `etcdctl` speaks to the etcd of its own host, so that a lost host takes nobody else's connection with it.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Blow, Changes, Contestant, Fault, Foreign, NODES, acting, hosts, one_answers, service_words};
use crate::http;
use crate::inject::{Injected, SYNCS, Wrong, inject};
use crate::net::{Net, OUTSIDE, address};
use crate::processes;
use crate::program;
use crate::register::Registers;
use crate::{CEILING, poll};

/// Where each listens to clients.
const PORT: u16 = 2379;

/// Whole seconds; one is shorter than its election.
const TTL: &str = "2";

/// Longer than any queue takes to form.
const PATIENCE: Duration = Duration::from_secs(10);

/// Three etcd on hosts of their own.
#[derive(Debug)]
pub(super) struct Servers {
    // In the order in which they end.
    all: Vec<Foreign>,
    home: TempDir,
    net: Net,
}

impl Servers {
    /// Starts them, with everything of theirs in a folder of `place`.
    pub(super) fn start(place: &str) -> Self {
        let net = hosts();
        let home = tempfile::Builder::new().prefix("hotseat-lab-etcd-").tempdir_in(place).unwrap();
        let all = (1..=NODES).map(|number| server(&net, &home, number)).collect();
        let servers = Self { all, home, net };
        (1..=NODES).for_each(|number| servers.wait(number));
        servers
    }

    pub(super) fn net(&self) -> &Net {
        &self.net
    }

    /// What one of them says of itself.
    fn status(&self, number: usize) -> Option<Value> {
        let at = SocketAddr::new(address(number), PORT);
        serde_json::from_str(&http::post(at, "/v3/maintenance/status", "{}")?.body).ok()
    }

    /// Who leads the log.
    fn leader(&self) -> Option<usize> {
        let leads = |number: &usize| {
            self.status(*number)
                .is_some_and(|said| said["leader"].is_string() && said["leader"] == said["header"]["member_id"])
        };
        (1..=NODES).find(leads)
    }

    /// Has one hand the lead of the log to another.
    fn transfer(&self, from: usize, to: usize) {
        let Some(status) = self.status(to) else { return };
        let target = json!({ "targetID": status["header"]["member_id"] }).to_string();
        let at = SocketAddr::new(address(from), PORT);
        // One that does not go through is tried again by who asked.
        drop(http::post(at, "/v3/maintenance/transfer-leadership", &target));
    }

    /// Waits until the one of this number has heard of a leader.
    fn wait(&self, number: usize) {
        let at = SocketAddr::new(address(number), PORT);
        let healthy = || http::get(at, "/health").filter(|answer| answer.body.contains("true"));
        poll(CEILING, healthy).unwrap_or_else(|| panic!("the etcd of n{number} has no leader"));
    }
}

#[derive(Debug)]
pub(super) struct Etcd {
    // In the order in which they end.
    loops: Vec<Foreign>,
    registers: Registers,
    servers: Servers,
}

impl Etcd {
    pub(super) fn start() -> Self {
        let servers = Servers::start("/dev/shm");
        let mut etcd = Self { loops: Vec::new(), registers: Registers::start(OUTSIDE), servers };
        etcd.loops = (1..=NODES).map(|number| etcd.begin(number)).collect();
        etcd
    }

    /// The loop on a host: holds the lock, runs the service under it, and tries again when either has ended.
    fn begin(&self, number: usize) -> Foreign {
        let own = format!("http://{}:{PORT}", address(number));
        let words = service_words(number, address(number), &self.registers).join(" ");
        let service = program::service();
        let line = format!(
            "while :; do etcdctl --endpoints {own} lock --ttl {TTL} web -- {} {words}; sleep 0.1; done",
            service.display()
        );
        let mut command = Command::new("sh");
        command.args(["-c", &line]).env("ETCDCTL_API", "3");
        let home = self.servers.home.path().join(format!("n{number}"));
        Foreign::start(self.servers.net.host(number), &mark(number, "loop"), &home.join("loop"), &mut command)
    }
}

fn mark(number: usize, what: &str) -> String {
    format!("lab-{}-etcd-{what}/n{number}", std::process::id())
}

fn server(net: &Net, home: &TempDir, number: usize) -> Foreign {
    let peer = |number: usize| format!("http://{}:2380", address(number));
    let all = (1..=NODES).map(|number| format!("n{number}={}", peer(number))).collect::<Vec<_>>().join(",");
    let (client, folder) = (format!("http://{}:{PORT}", address(number)), home.path().join(format!("n{number}")));
    std::fs::create_dir_all(folder.join("loop")).unwrap();
    let mut command = Command::new("etcd");
    command.args(["--name", &format!("n{number}"), "--data-dir", "data", "--initial-cluster", &all]);
    command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
    command.args(["--listen-peer-urls", &peer(number), "--initial-advertise-peer-urls", &peer(number)]);
    Foreign::start(net.host(number), &mark(number, "server"), &folder, &mut command)
}

impl Contestant for Etcd {
    fn settle(&mut self) -> usize {
        // The two others have to stand in the queue.
        let queued = |this: &Self| this.loops.iter().all(|it| !it.named("etcdctl").is_empty());
        one_answers(PATIENCE, || queued(self)).unwrap_or_else(|| {
            // A lock that was lost without a fault leaves its service acting for ever: everything is begun anew.
            eprintln!("etcdctl lock: {:?} act by themselves, and are ended by hand", acting());
            (1..=NODES).for_each(|number| self.mend(Fault::Process, number));
            one_answers(CEILING, || queued(self)).expect("it settles")
        })
    }

    fn net(&self) -> &Net {
        self.servers.net()
    }

    fn log_leader(&self, _: usize) -> Option<usize> {
        self.servers.leader()
    }

    fn align(&self, leader: usize, log: usize, together: bool) {
        let to = if together { leader } else { log % NODES + 1 };
        self.servers.transfer(log, to);
    }

    fn strike(&self, blow: Blow, node: usize) -> Instant {
        let holder = &self.loops[node - 1];
        match blow {
            Blow::Stop => holder.signal("etcdctl", Signal::STOP),
            // etcdctl itself does not pass on a signal: who wants it to release ends the service.
            Blow::Ask => {
                processes::signal(holder.child.id().cast_signed(), Signal::KILL);
                holder.signal("hotseat-lab-service", Signal::TERM)
            }
            Blow::Kill => holder.signal("etcdctl", Signal::KILL),
        }
    }

    fn go_on(&self, node: usize) {
        self.loops[node - 1].signal("etcdctl", Signal::CONT);
    }

    fn stall(&self, node: usize, delay: Duration) -> Option<Injected> {
        Some(inject(&self.servers.all[node - 1].named("etcd"), SYNCS, Wrong::Slow(delay)))
    }

    fn mend(&mut self, fault: Fault, leader: usize) {
        if fault.changes() == Changes::None {
            return;
        }
        // Whatever still acts there without the lock has to be ended by hand.
        self.loops[leader - 1].end();
        self.loops[leader - 1] = self.begin(leader);
    }
}
