//! `[group.service]`: the program a group protects.

use super::check::{Check, Health};
use super::claims::Claims;
use super::entry::Entry;
use super::environment;
use super::fault::Fault;
use super::life::{Output, Restart, Stop};
use super::node::Node;
use super::placeholders;
use super::section::Section;
use hotseat_core::{GroupId, OnExit, Standby};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Keys of `[group.service]`.
pub(super) const KEYS: &[&str] = &[
    "command",
    "port",
    "host",
    "stop",
    "standby",
    "on_exit",
    "ready",
    "health",
    "start_timeout",
    "restart",
    "on_promote",
    "on_demote",
    "hook_timeout",
    "env",
    "cwd",
    "output",
];
const STANDBYS: &[(&str, Standby)] = &[("cold", Standby::Cold), ("hot", Standby::Hot)];
const ON_EXITS: &[(&str, OnExit)] =
    &[("auto", OnExit::Auto), ("restart", OnExit::Restart), ("failover", OnExit::Failover)];
/// Databases may replay a log before they answer.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const HOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// The program a group protects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The program and its arguments, with placeholders; never empty.
    pub command: Vec<String>,
    /// Where it listens, if it does. 0: any free one, chosen by the agent at start.
    pub port: Option<u16>,
    /// The address at which it is reached. Never unspecified when there is a port.
    pub host: IpAddr,
    /// How it is asked to stop.
    pub stop: Stop,
    /// Whether it runs on standbys.
    pub standby: Standby,
    /// What to do when it ends by itself.
    pub on_exit: OnExit,
    /// What shows that it is ready.
    pub ready: Check,
    /// What shows that it is still well.
    pub health: Option<Health>,
    /// How long it may take to become ready.
    pub start_timeout: Duration,
    /// How it is started again.
    pub restart: Restart,
    /// A command that is run when this node becomes leader, with placeholders.
    pub on_promote: Option<Vec<String>>,
    /// A command that is run when this node stops being leader, with placeholders.
    pub on_demote: Option<Vec<String>>,
    /// How long either may take.
    pub hook_timeout: Duration,
    /// What is added to the environment; the values have placeholders.
    pub env: BTreeMap<String, String>,
    /// The directory it runs in.
    pub cwd: Option<PathBuf>,
    /// Where its output goes.
    pub output: Output,
}

impl Service {
    pub(super) fn read(section: &Section<'_>, id: &GroupId, node: &Node, claims: &mut Claims) -> Result<Self, Fault> {
        let port = section.maybe("port", port)?;
        let host = host(section, port, node)?;
        if let (Some(port), Some(entry)) = (port, section.get("port")) {
            claims.address(SocketAddr::new(host, port), format!("the service of group \"{id}\""), entry.spot())?;
        }
        let argv = |entry| placeholders::argv(entry, port);
        Ok(Self {
            command: section.need("command", "command = [\"my-program\", \"--port\", \"{port}\"]").and_then(argv)?,
            port,
            host,
            stop: section.or("stop", Stop::read, Stop::default())?,
            standby: section.or("standby", |e| e.word("standby", STANDBYS), Standby::Cold)?,
            on_exit: section.or("on_exit", |e| e.word("on_exit", ON_EXITS), OnExit::Auto)?,
            ready: section.or("ready", |e| Check::read(e, port), Check::default_for(port))?,
            health: section.maybe("health", |e| Health::read(e, port))?,
            start_timeout: section.or("start_timeout", Entry::pause, START_TIMEOUT)?,
            restart: section.or("restart", Restart::read, Restart::default())?,
            on_promote: section.maybe("on_promote", argv)?,
            on_demote: section.maybe("on_demote", argv)?,
            hook_timeout: section.or("hook_timeout", Entry::pause, HOOK_TIMEOUT)?,
            env: section.or("env", |e| environment::read(e, port), BTreeMap::new())?,
            cwd: section.maybe("cwd", Entry::path)?,
            output: section.or("output", Output::read, Output::Log)?,
        })
    }
}

fn port(entry: Entry<'_>) -> Result<u16, Fault> {
    Ok(entry.number(0..=i64::from(u16::MAX))?.try_into().expect("the bounds fit"))
}

/// Other nodes connect to it: an unspecified address would send each of them to itself.
fn host(section: &Section<'_>, port: Option<u16>, node: &Node) -> Result<IpAddr, Fault> {
    let given = section.get("host");
    let host = given.map_or(Ok(node.advertise.unwrap_or(node.listen).ip()), ip)?;
    if host.is_unspecified() && port.is_some() {
        let what = format!("other nodes cannot reach the service at {host}");
        let advice = "add host = \"10.0.0.101\", the address others reach this node at";
        return Err(
            given.map_or_else(|| section.fault(what.clone(), advice), |entry| entry.fault(what.clone(), advice))
        );
    }
    Ok(host)
}

fn ip(entry: Entry<'_>) -> Result<IpAddr, Fault> {
    let text = entry.text()?;
    let wrong = || entry.fault(format!("{} is not an IP address", super::fault::quoted(text)), "as in \"10.0.0.101\"");
    text.parse().map_err(|_| wrong())
}
