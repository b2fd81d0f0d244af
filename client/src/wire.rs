//! What travels: exactly the JSON of `GET /api/cluster`, `GET /api/events` and the acts.

use serde::{Deserialize, Serialize};

/// `GET /api/cluster`: one node's view of its cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// The cluster's name.
    pub cluster: String,
    /// The node that answered.
    pub node: String,
    /// Where the cluster agrees.
    pub store: Store,
    /// The lease's ttl, in milliseconds.
    pub ttl_ms: u64,
    /// What is left of this node's lease, in milliseconds; absent while it has none.
    pub lease_left_ms: Option<u64>,
    /// Since the newest acknowledged renewal was sent, in milliseconds.
    pub renewed_ms: Option<u64>,
    /// The agent's process.
    pub pid: u32,
    /// The groups, in the order of the configuration file.
    pub groups: Vec<Group>,
}

/// The store behind a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// `dir`, `memory`, …
    pub kind: String,
    /// Whether it has answered lately.
    pub healthy: bool,
    /// What is wrong with it, or what is risky about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Who keeps the leases, where the agents themselves do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voters: Option<Voters>,
}

/// The voters of an embedded cluster, as one node sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voters {
    /// How many there are.
    pub count: usize,
    /// How many of them were heard of within the ttl, this node included.
    pub well: usize,
    /// How many more may be lost while a majority stays.
    pub can_lose: usize,
}

/// `GET /api/members`: who belongs to an embedded cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roll {
    /// The members, by name.
    pub members: Vec<Seat>,
    /// Who leads the log, if anybody does. Nothing follows from it for who leads a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_leader: Option<String>,
    /// What the cluster could not survive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// One member of an embedded cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The node's name.
    pub node: String,
    /// The incarnation of its disk, in hexadecimal. A wiped disk comes back with another.
    pub id: String,
    /// Where its agent answers, `host:port`.
    pub address: String,
    /// `voter`, `spare` (follows, takes a voter's place when one is dead), or `coming`.
    pub state: String,
    /// It votes and never leads a group.
    #[serde(default)]
    pub witness: bool,
    /// Since it was last heard of, in milliseconds; absent: not since the asked agent's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_ms: Option<u64>,
    /// How many entries of the log it lacks, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
}

/// `POST /api/members/invite`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// For how long the token is good, in seconds.
    pub good_s: u64,
}

/// The answer: a line to give to `hotseat join`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The line. Who has it can join.
    pub token: String,
}

/// `POST /api/members/remove`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// Which node.
    pub node: String,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The HA id.
    pub id: String,
    /// What its members do.
    pub role: String,
    /// Who leads; absent while nobody does.
    pub leader: Option<String>,
    /// The number of the newest leadership.
    pub epoch: u64,
    /// When it began, RFC 3339, by the leader's wall clock. For people only.
    pub since: Option<String>,
    /// Why it began, in words.
    #[serde(default)]
    pub reason: String,
    /// Whether the leader's service is ready.
    pub serving: bool,
    /// Whether changes are held off.
    pub paused: bool,
    /// Its number in NetSpyGlass's calls.
    pub netid: u32,
    /// Where this node's proxy for the group listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// What has to be said there, and to the service, before HTTP or whatever else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_gate: Option<ProxyGate>,
    /// Where load balancers ask this node over HTTP whether it leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Where this node answers `HAProxy`'s agent-check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_check: Option<String>,
    /// The IP addresses that follow the leader. Only the leader's own agent knows whether they are up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vip: Vec<Vip>,
    /// The command that moves an address to the leader. Only the leader's own agent knows what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floating: Option<Floating>,
    /// Everybody in it.
    pub members: Vec<Member>,
}

/// What lies between clients, a node's proxy and the service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyGate {
    /// The proxy ends TLS.
    #[serde(default)]
    pub tls: bool,
    /// The PROXY protocol that listed balancers have to speak to the proxy: `v1`, `v2` or `any`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<String>,
    /// The PROXY protocol that is spoken to the service: `v1` or `v2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<String>,
    /// Proxies of nodes that do not lead send HTTP clients elsewhere.
    #[serde(default)]
    pub redirects: bool,
}

/// An IP address that follows a group's leader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vip {
    /// `IP/PREFIX`.
    pub address: String,
    /// Where it comes to.
    pub interface: String,
    /// Whether the leader has it; unknown to all other nodes.
    pub up: Option<bool>,
    /// Why the answering node does not have it, though it leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// A command that moves an address of somebody else's network to the leader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floating {
    /// Whether it has succeeded on the leader, in the present epoch; unknown to all other nodes.
    pub moved: Option<bool>,
    /// How its latest try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// One member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The node.
    pub node: String,
    /// `starting, leader, standby, hot-standby, backup, failed, offline`.
    pub state: String,
    /// `auto, leader, standby, hot-standby, backup, disabled`.
    pub mode: String,
    /// Higher wins.
    pub priority: i64,
    /// The node's region.
    pub region: String,
    /// The agent's version.
    pub version: String,
    /// Whether it could lead.
    pub healthy: bool,
    /// The agent, as a URL.
    pub address: String,
    /// The service, as `host:port`.
    pub service: Option<String>,
    /// Since its record last moved, in milliseconds.
    pub last_seen_ms: u64,
    /// How its service is contained: `cgroup`, `tree`, or `degraded`.
    #[serde(default)]
    pub contained: String,
    /// What is wrong, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// The service's process, told by its own node only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

/// One line of a node's story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts up on this node; use it with `?after=`.
    pub id: u64,
    /// RFC 3339 with milliseconds, by the node's wall clock.
    pub at: String,
    /// The node that tells it.
    pub node: String,
    /// A stable word for programs: `new-leader`, `no-leader`, `serving`, …
    pub kind: String,
    /// The group, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The epoch, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// For people.
    pub text: String,
}

/// `POST /api/groups/{id}/switchover`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switchover {
    /// To whom; the best candidate otherwise.
    #[serde(default)]
    pub to: Option<String>,
}

/// Why an act was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// In words.
    pub error: String,
    /// The leader's agent, where the act belongs, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<String>,
    /// Nothing is wrong with what was asked: the same may be granted in a while.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// `GET /self` on the service's own socket: what the service is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Self_ {
    /// The cluster.
    pub cluster: String,
    /// The node.
    pub node: String,
    /// The group.
    pub group: String,
    /// `leader` or `standby`.
    pub role: String,
    /// The fencing token; of the newest leadership known for a standby.
    pub epoch: u64,
}
