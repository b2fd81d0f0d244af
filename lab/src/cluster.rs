//! A cluster of real agents on this machine, in a folder of its own; nothing of it outlives the value.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use hotseat_client::Group;
use tempfile::TempDir;

use crate::history::History;
use crate::net::{Net, OUTSIDE, address};
use crate::node::Node;
use crate::observer::Observer;
use crate::register::Registers;
use crate::spec::{Ports, Spec, Store};
use crate::witness::Witness;
use crate::{CEILING, members, poll, ports};

/// So much of a log is shown when a test fails.
const TAIL: usize = 60;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// See the module.
#[derive(Debug)]
pub struct Cluster {
    /// Its name, unlike any other.
    pub name: String,
    nodes: Vec<Node>,
    spec: Spec,
    registers: Option<Registers>,
    root: TempDir,
    net: Option<Net>,
}

impl Cluster {
    /// Makes everything that has to be there before agents are started, and leaves none running.
    #[must_use]
    pub fn prepare(spec: Spec) -> Self {
        let cluster = Self::written(spec);
        if cluster.spec.store == Store::Raft {
            members::gather(&cluster.nodes);
            members::rest(&cluster.nodes);
        }
        cluster
    }

    fn written(spec: Spec) -> Self {
        let name = format!("lab-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root = tempfile::Builder::new().prefix("hotseat-lab-").tempdir_in(&spec.place).unwrap();
        // Servers that run as another user have to get at their files.
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (store, shared) = (root.path().join("store"), root.path().join("shared"));
        fs::create_dir(&store).unwrap();
        fs::create_dir(&shared).unwrap();
        let mut net = spec.apart.then(|| Net::new(spec.nodes));
        net.iter_mut().for_each(Net::step_outside);
        let outside = if net.is_some() { OUTSIDE } else { IpAddr::V4(Ipv4Addr::LOCALHOST) };
        let registers = spec.registers.then(|| Registers::start(outside));
        let all = all_ports(&spec);
        let nodes = all.into_iter().zip(1..).map(|(ports, number)| {
            let home = root.path().join(format!("n{number}"));
            let mut places = vec![
                ("{home}", home.display().to_string()),
                ("{shared}", shared.display().to_string()),
                ("{host}", ports.agent.ip().to_string()),
            ];
            if let Some(registers) = &registers {
                places.push(("{fenced}", registers.fenced().to_string()));
                places.push(("{open}", registers.open().to_string()));
            }
            let config = spec.render(number, &ports, &places, &name);
            let host = net.as_ref().map(|net| net.host(number).clone());
            let node = Node::new(format!("n{number}"), home, &name, ports, spec.environment()).on(host);
            node.set_up(&config, &store);
            node.with_disk(spec.disk)
        });
        let nodes: Vec<_> = nodes.collect();
        Self { nodes, name, spec, registers, root, net }
    }

    /// Starts every agent, in order; does not wait for anything.
    #[must_use]
    pub fn start(spec: Spec) -> Self {
        let cluster = Self::written(spec);
        match cluster.spec.store {
            Store::Raft => members::gather(&cluster.nodes),
            Store::Dir => cluster.nodes.iter().for_each(Node::start),
        }
        cluster
    }

    /// Starts every agent and waits until one serves and the others are ready to take over.
    #[must_use]
    pub fn settled(spec: Spec) -> Self {
        let cluster = Self::start(spec);
        cluster.settle();
        cluster
    }

    /// Waits until one node serves and every other whose agent runs is a standby of it.
    pub fn settle(&self) -> &Node {
        let running = self.nodes.iter().filter(|node| node.runs()).count();
        self.wait_for("one leader that serves, all others ready", |cluster| {
            let leader = cluster.nodes.iter().find(|node| node.leads())?;
            let group = leader.group()?;
            let ready = |state: &str| matches!(state, "leader" | "standby" | "hot-standby" | "backup");
            let members = group.members.iter().filter(|member| ready(&member.state)).count();
            (group.serving && members >= running).then_some(leader)
        })
    }

    /// Everything of the cluster is in here; `store` is the shared directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The shared directory behind every node's `share`.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.root().join("store")
    }

    /// All nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of this name.
    #[must_use]
    pub fn node(&self, name: &str) -> &Node {
        self.nodes.iter().find(|node| node.name == name).unwrap_or_else(|| panic!("no node {name}"))
    }

    /// All nodes but this.
    pub fn others<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = &'a Node> {
        self.nodes.iter().filter(move |other| other.name != node.name)
    }

    /// Waits for a node that leads, with the promotion complete.
    pub fn leader(&self) -> &Node {
        self.wait_for("a leader that serves", |cluster| cluster.nodes.iter().find(|node| node.leads()))
    }

    /// Waits until another node than `old` serves; its name and what it knows of the group.
    pub fn next_leader(&self, old: &Node) -> (&Node, Group) {
        self.wait_for(&format!("another leader than {}", old.name), |cluster| {
            let leader = cluster.others(old).find(|node| node.leads())?;
            Some((cluster.node(&leader.name), leader.group()?))
        })
    }

    /// Waits until `found` finds something. Gives up long after it should have, and then shows everything.
    pub fn wait_for<'a, T>(&'a self, what: &str, mut found: impl FnMut(&'a Self) -> Option<T>) -> T {
        poll(CEILING, || found(self)).unwrap_or_else(|| panic!("waited {CEILING:?} in vain for {what}"))
    }

    /// Asks every node's service, from now on.
    #[must_use]
    pub fn observe(&self) -> Observer {
        let targets = self.nodes.iter().map(|node| (node.name.clone(), node.service()));
        Observer::start(targets.collect(), self.spec.ask)
    }

    /// Watches every node's service processes, from now on. For cold standby: with hot ones both live.
    #[must_use]
    pub fn witness(&self) -> Witness {
        let nodes = self.nodes.iter().map(|node| (node.name.clone(), node.mark.clone(), node.home.clone()));
        Witness::start(nodes.collect())
    }

    /// The hosts of the nodes.
    #[must_use]
    pub fn net(&self) -> &Net {
        self.net.as_ref().expect("a spec with hosts of their own")
    }

    /// The registers that the services write to.
    #[must_use]
    pub fn registers(&self) -> &Registers {
        self.registers.as_ref().expect("a spec of writers")
    }

    /// Cuts these nodes off from all others and from the outside; from a shared directory too.
    pub fn part(&self, nodes: &[&Node]) -> Instant {
        let these: Vec<_> = nodes.iter().map(|node| node.number()).collect();
        let those: Vec<_> = (0..=self.nodes.len()).filter(|number| !these.contains(number)).collect();
        self.lose_stores(nodes);
        self.net().cut(&these, &those)
    }

    /// Switches a host off, as far as anybody else can see; what runs there goes on, alone.
    pub fn unplug(&self, node: &Node) -> Instant {
        self.lose_stores(&[node]);
        self.net().unplug(node.number())
    }

    fn lose_stores(&self, nodes: &[&Node]) {
        if self.spec.store == Store::Dir {
            nodes.iter().for_each(|node| _ = node.lose_store());
        }
    }

    /// Undoes everything that was done to the wires.
    pub fn heal(&self) -> Instant {
        self.nodes.iter().for_each(|node| _ = self.net().plug(node.number()));
        if self.spec.store == Store::Dir {
            self.nodes.iter().for_each(|node| _ = node.find_store());
        }
        self.net().heal()
    }

    /// Fails if a service acted after that of a later epoch had begun, or if a fence was passed; what was seen.
    pub fn check_registers(&self) -> History {
        self.registers().check()
    }

    fn show(&self) {
        for node in &self.nodes {
            let log = node.log();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("--- {} · {} · {:?}", node.mark, node.address(), node.processes());
            eprintln!("{}", node.get("/api/cluster").map_or(String::from("no answer"), |answer| answer.body));
            eprintln!("{}", lines[lines.len().saturating_sub(TAIL)..].join("\n"));
        }
    }
}

/// On hosts of their own nodes have the same ports, elsewhere ports that are free.
fn all_ports(spec: &Spec) -> Vec<Ports> {
    let at = |number: usize, port: u16| match spec.apart {
        true => SocketAddr::new(address(number), port),
        false => SocketAddr::from(([127, 0, 0, 1], ports::free())),
    };
    let of = |number: usize| Ports {
        agent: at(number, 7700),
        service: spec.port.then(|| at(number, 9100)),
        proxy: spec.proxied().then(|| at(number, 8080)),
        reads: spec.is_read().then(|| at(number, 8081)),
        checks: spec.is_checked().then(|| (at(number, 9201), at(number, 9202))),
    };
    (1..=spec.nodes).map(of).collect()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show();
            if std::env::var_os("HOTSEAT_LAB_KEEP").is_some() {
                self.root.disable_cleanup(true);
                eprintln!("kept: {}", self.root.path().display());
            }
        }
        self.nodes.iter().for_each(Node::end);
    }
}
