//! A cluster of real agents on this machine, in a folder of its own; nothing of it outlives the value.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use hotseat_client::Group;
use tempfile::TempDir;

use crate::node::Node;
use crate::observer::Observer;
use crate::spec::{Ports, Spec};
use crate::witness::Witness;
use crate::{CEILING, poll, ports};

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
    root: TempDir,
}

impl Cluster {
    /// Writes the files and starts no agent.
    #[must_use]
    pub fn prepare(spec: Spec) -> Self {
        let name = format!("lab-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root = tempfile::Builder::new().prefix("hotseat-lab-").tempdir_in(&spec.place).unwrap();
        // Servers that run as another user have to get at their files.
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (store, shared) = (root.path().join("store"), root.path().join("shared"));
        fs::create_dir(&store).unwrap();
        fs::create_dir(&shared).unwrap();
        let nodes = (1..=spec.nodes).map(|number| {
            let home = root.path().join(format!("n{number}"));
            let local = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
            let ports = Ports {
                agent: local(ports::free()),
                service: spec.port.then(|| local(ports::free())),
                proxy: spec.proxied().then(|| local(ports::free())),
            };
            let folders = (home.to_str().unwrap(), shared.to_str().unwrap());
            let config = spec.render(number, &ports, folders, &name);
            let node = Node::new(format!("n{number}"), home, &name, ports, spec.environment());
            node.set_up(&config, &store);
            node
        });
        Self { nodes: nodes.collect(), name, spec, root }
    }

    /// Starts every agent, in order; does not wait for anything.
    #[must_use]
    pub fn start(spec: Spec) -> Self {
        let cluster = Self::prepare(spec);
        cluster.nodes.iter().for_each(Node::start);
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
