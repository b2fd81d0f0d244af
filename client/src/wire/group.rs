//! One group of `GET /api/cluster`, and its members.

use serde::{Deserialize, Serialize};

use super::drill::LastDrill;
use super::orders::Orders;
use super::road::{Floating, ProxyGate, Vip};
use super::sync::Drift;

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
    /// What people have ordered, and what stands of it.
    #[serde(default)]
    pub orders: Orders,
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
    /// So many changes of leader in a row were nobody's plan; more than four, and the next one waits.
    #[serde(default)]
    pub unrest: u32,
    /// Nobody leads, and this is what keeps the answering node from it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barred: Option<String>,
    /// Files that should be the same on all members and are not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
    /// Why the leader does not send the files that are to be the same, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_held: Option<String>,
    /// Its newest fire drill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<LastDrill>,
    /// Everybody in it.
    pub members: Vec<Member>,
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
    /// The version of the group's orders that it heeds.
    #[serde(default)]
    pub orders: u64,
    /// The service's process, told by its own node only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}
