//! What a cluster is to be: how many nodes, which service, which settings. Values are TOML text, as users write it.

mod file;

use std::collections::BTreeMap;

use crate::observer::Ask;
use crate::program;
pub(crate) use file::Ports;

/// The HA id of the first group of every cluster.
pub const GROUP: &str = "web";

/// Where the nodes of a cluster agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// A directory that all of them see. A host that is lost sees it no more.
    Dir,
    /// Among themselves.
    Raft,
}

impl Store {
    /// As the configuration file and the bench name it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dir => "dir",
            Self::Raft => "raft",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Dir, Self::Raft].into_iter().find(|store| store.word() == name)
    }
}

type Table = BTreeMap<String, String>;

/// See the module. In a value `{home}` is the node's folder, `{shared}` one that all nodes see, `{host}` the node's
/// address, `{fenced}` and `{open}` those of the registers.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Nodes `n1`, `n2`, …
    pub nodes: usize,
    /// Whether the service has a port.
    pub port: bool,
    /// How to ask the service whether it acts.
    pub ask: Ask,
    /// Folder to make the cluster's folder in.
    pub place: String,
    /// Whether every node has a host of its own.
    pub apart: bool,
    /// Whether every node has a disk of its own for its `data_dir`, and of how many MiB.
    pub disk: Option<u64>,
    /// Where the nodes agree.
    pub store: Store,
    /// Whether the service writes to registers.
    pub registers: bool,
    cluster: Table,
    node: Table,
    api: Table,
    group: Table,
    service: Table,
    proxy: Option<Table>,
    reads: Option<String>,
    checked: bool,
    vip: Table,
    floating: Table,
    telemetry: Table,
    sync: Table,
    drill: Table,
    own: BTreeMap<usize, Vec<(&'static str, String, String)>>,
    env: Vec<(String, String)>,
    more: String,
}

impl Spec {
    /// Around a command: cold, three nodes, timing `lan`. The command is given as for a shell, without quotes.
    #[must_use]
    pub fn of(command: &str) -> Self {
        let mut spec = Self {
            nodes: 3,
            port: true,
            ask: crate::observer::http,
            place: String::from("/dev/shm"),
            apart: false,
            disk: None,
            store: Store::Dir,
            registers: false,
            cluster: Table::new(),
            node: Table::new(),
            api: Table::new(),
            group: Table::new(),
            service: Table::new(),
            proxy: None,
            reads: None,
            checked: false,
            vip: Table::new(),
            floating: Table::new(),
            telemetry: Table::new(),
            sync: Table::new(),
            drill: Table::new(),
            own: BTreeMap::new(),
            env: Vec::new(),
            more: String::new(),
        };
        let words: Vec<_> = command.split_ascii_whitespace().collect();
        spec.service.insert("command".into(), array(&words));
        // It is broken on purpose, again and again.
        spec.group("hold_max", "\"0s\"")
            .cluster("timing", "\"lan\"")
            .cluster("allow_single_point_of_failure", "true")
            .service("cwd", "\"{home}/work\"")
    }

    /// Around the built-in demo service, which answers `{"node":…,"epoch":…}` as leader, and 503 otherwise.
    #[must_use]
    pub fn demo() -> Self {
        let binary = program::hotseat();
        let mut spec = Self::of(&format!("{} demo-service --port {{port}}", binary.display()));
        spec.ask = crate::observer::demo;
        spec
    }

    /// Around the laboratory's own service: it answers as the demo service does, and writes to both registers as long
    /// as it acts.
    #[must_use]
    pub fn writer() -> Self {
        let binary = program::service();
        let command = format!("{} --listen {{host}}:{{port}} --fenced {{fenced}} --open {{open}}", binary.display());
        let mut spec = Self::of(&command);
        spec.registers = true;
        spec.asked(crate::observer::demo)
    }

    /// Every node on a host of its own, and this test outside of them.
    #[must_use]
    pub fn apart(mut self) -> Self {
        self.apart = true;
        self
    }

    /// Every node has a disk of its own for its `data_dir`, of so many MiB.
    #[must_use]
    pub fn disks(mut self, mebibytes: u64) -> Self {
        self.disk = Some(mebibytes);
        self
    }

    /// Where the nodes agree.
    #[must_use]
    pub fn store(mut self, store: Store) -> Self {
        self.store = store;
        self
    }

    /// A service without a port.
    #[must_use]
    pub fn portless(mut self) -> Self {
        self.port = false;
        self
    }

    /// How many nodes.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// The service runs on standbys too.
    #[must_use]
    pub fn hot(self) -> Self {
        self.service("standby", "\"hot\"")
    }

    /// How the service is asked whether it acts.
    #[must_use]
    pub fn asked(mut self, ask: Ask) -> Self {
        self.ask = ask;
        self
    }

    /// A folder other than memory for everything of the cluster.
    #[must_use]
    pub fn place(mut self, place: &str) -> Self {
        place.clone_into(&mut self.place);
        self
    }

    /// A key of `[cluster]`.
    #[must_use]
    pub fn cluster(mut self, key: &str, value: &str) -> Self {
        self.cluster.insert(key.into(), value.into());
        self
    }

    /// A key of `[node]`.
    #[must_use]
    pub fn node(mut self, key: &str, value: &str) -> Self {
        self.node.insert(key.into(), value.into());
        self
    }

    /// A key of `[api]`.
    #[must_use]
    pub fn api(mut self, key: &str, value: &str) -> Self {
        self.api.insert(key.into(), value.into());
        self
    }

    /// A key of `[[group]]`.
    #[must_use]
    pub fn group(mut self, key: &str, value: &str) -> Self {
        self.group.insert(key.into(), value.into());
        self
    }

    /// A key of `[group.service]`.
    #[must_use]
    pub fn service(mut self, key: &str, value: &str) -> Self {
        self.service.insert(key.into(), value.into());
        self
    }

    /// A proxy on every node.
    #[must_use]
    pub fn proxy(mut self, hold: &str) -> Self {
        self.proxy = Some(Table::from([("hold".into(), format!("\"{hold}\""))]));
        self
    }

    /// An address for reads beside every proxy, answered by `standby` or `any`.
    #[must_use]
    pub fn reads(mut self, from: &str) -> Self {
        self.reads = Some(from.into());
        self
    }

    /// How long the proxies' requests may hold up a planned end.
    #[must_use]
    pub fn drain(mut self, limit: &str) -> Self {
        self.proxy.get_or_insert_default().insert("drain".into(), format!("\"{limit}\""));
        self
    }

    /// Ports for load balancers on every node.
    #[must_use]
    pub fn checked(mut self) -> Self {
        self.checked = true;
        self
    }

    /// A key of `[group.vip]`.
    #[must_use]
    pub fn vip(mut self, key: &str, value: &str) -> Self {
        self.vip.insert(key.into(), value.into());
        self
    }

    /// A key of `[group.floating]`.
    #[must_use]
    pub fn floating(mut self, key: &str, value: &str) -> Self {
        self.floating.insert(key.into(), value.into());
        self
    }

    /// A key of `[telemetry]`.
    #[must_use]
    pub fn telemetry(mut self, key: &str, value: &str) -> Self {
        self.telemetry.insert(key.into(), value.into());
        self
    }

    /// A key of `[group.drill]`.
    #[must_use]
    pub fn drill(mut self, key: &str, value: &str) -> Self {
        self.drill.insert(key.into(), value.into());
        self
    }

    /// A key of `[group.sync]`.
    #[must_use]
    pub fn sync(mut self, key: &str, value: &str) -> Self {
        self.sync.insert(key.into(), value.into());
        self
    }

    /// A key of one node alone, from 1, in `cluster`, `node`, `api`, `group`, `service`, `proxy`, `vip`, `floating` or `sync`.
    #[must_use]
    pub fn only(mut self, node: usize, section: &'static str, key: &str, value: &str) -> Self {
        self.own.entry(node).or_default().push((section, key.into(), value.into()));
        self
    }

    /// A variable in every agent's environment.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    /// More of every node's file, as it is, at its end.
    #[must_use]
    pub fn also(mut self, text: &str) -> Self {
        self.more = format!("{}{text}\n", self.more);
        self
    }

    pub(crate) fn environment(&self) -> &[(String, String)] {
        &self.env
    }

    pub(crate) fn is_checked(&self) -> bool {
        self.checked
    }

    pub(crate) fn proxied(&self) -> bool {
        self.proxy.is_some()
    }

    pub(crate) fn is_read(&self) -> bool {
        self.reads.is_some()
    }
}

/// A TOML array of strings.
#[must_use]
pub fn array(words: &[&str]) -> String {
    serde_json::to_string(words).expect("strings")
}
