//! `[node]`: what is true of this machine alone.

use super::cluster::advice;
use super::entry::Entry;
use super::fault::{Fault, quoted};
use super::section::Section;
use crate::identity::Given;
use crate::lock::NODE_PREFIX;
use hotseat_core::NodeName;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Keys of `[node]`.
pub(super) const KEYS: &[&str] = &[
    "name",
    "listen",
    "advertise",
    "data_dir",
    "join",
    "region",
    "witness",
    "tls",
    "containment",
    "watchdog",
    "supervised",
];
const CONTAINMENTS: &[(&str, Containment)] = &[("auto", Containment::Auto), ("tree", Containment::Tree)];
/// Where the file-system standard puts the state of programs.
const DATA_DIR: &str = "/var/lib/hotseat";
const REGION: &str = "world";

/// What is true of this machine alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Unique in the cluster.
    pub name: NodeName,
    /// API, health checks, dashboard, peers. Port 0 (on loopback only): any free one.
    pub listen: SocketAddr,
    /// Where the others reach it; `listen` itself, unless that is every address of the machine.
    pub advertise: Option<SocketAddr>,
    /// Where the agent keeps its own state.
    pub data_dir: PathBuf,
    /// `HOST:PORT` of members to join through.
    pub join: Vec<String>,
    /// Where the machine stands.
    pub region: String,
    /// It votes, and never leads: its groups are not run (`store = "raft"`).
    pub witness: bool,
    /// Certificates that somebody else looks after, instead of the cluster's own.
    pub tls: Option<Given>,
    /// How the guard holds a service's processes together.
    pub containment: Containment,
    /// A watchdog device to feed, as in `/dev/watchdog`.
    pub watchdog: Option<PathBuf>,
    /// Something starts the agent again when it dies.
    pub supervised: bool,
}

/// How the guard holds a service's processes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Containment {
    /// A cgroup where that is possible, else the process tree.
    #[default]
    Auto,
    /// The process tree, even where there are cgroups.
    Tree,
}

impl Node {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Fault> {
        let listen = section.need("listen", "listen = \"10.0.0.101:7700\"")?;
        let (at, advertise) = (listen.address()?, section.maybe("advertise", Entry::address)?);
        if at.ip().is_unspecified() && advertise.is_none() {
            let right = "also say where the others reach this node: advertise = \"10.0.0.101:7700\"";
            return Err(listen.fault(format!("{at} is every address of this machine"), right));
        }
        Ok(Self {
            name: section.need("name", "name = \"node-1\"").and_then(name)?,
            listen: at,
            advertise,
            data_dir: section.or("data_dir", Entry::path, Path::new(DATA_DIR).to_owned())?,
            join: section.or("join", join, Vec::new())?,
            region: section.or("region", Entry::filled, REGION)?.to_owned(),
            witness: section.or("witness", Entry::flag, false)?,
            tls: section.maybe("tls", tls)?,
            containment: section.or("containment", |e| e.word("containment", CONTAINMENTS), Containment::Auto)?,
            watchdog: section.maybe("watchdog", Entry::path)?,
            supervised: section.or("supervised", Entry::flag, false)?,
        })
    }

    /// Whether something is known to start the agent again when it dies: by the file, or as systemd runs it.
    #[must_use]
    pub fn is_supervised(&self) -> bool {
        let pid = std::process::id().to_string();
        self.supervised || std::env::var("SYSTEMD_EXEC_PID").is_ok_and(|its| its == pid)
    }
}

fn name(entry: Entry<'_>) -> Result<NodeName, Fault> {
    let text = entry.text()?;
    if text.starts_with(NODE_PREFIX) {
        let right = format!("a name that does not begin with \"{NODE_PREFIX}\": those are the names of locks");
        return Err(entry.fault(format!("{} cannot be a node", quoted(text)), right));
    }
    NodeName::new(text).map_err(|why| entry.fault(format!("{} is not a name", quoted(text)), advice(&why)))
}

/// `tls = { ca = "…", cert = "…", key = "…" }`.
fn tls(entry: Entry<'_>) -> Result<Given, Fault> {
    let section = entry.section("tls", &["ca", "cert", "key"])?;
    let file = |key| section.need(key, "tls = { ca = \"ca.pem\", cert = \"node.pem\", key = \"node.key\" }")?.path();
    Ok(Given { ca: file("ca")?, cert: file("cert")?, key: file("key")? })
}

fn join(entry: Entry<'_>) -> Result<Vec<String>, Fault> {
    entry.items("a list of addresses: [\"10.0.0.102:7700\"]")?.into_iter().map(peer).collect()
}

/// A peer may be named by a host name, which is resolved when it is called.
fn peer(entry: Entry<'_>) -> Result<String, Fault> {
    let text = entry.text()?;
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let plain = !host.is_empty() && !host.contains([' ', '/', '@']) && (!host.contains(':') || host.ends_with(']'));
    match port.parse::<u16>() {
        Ok(1..) if plain => Ok(text.to_owned()),
        _ => Err(entry.fault(format!("{} is not an address", quoted(text)), "HOST:PORT, as in \"10.0.0.102:7700\"")),
    }
}
