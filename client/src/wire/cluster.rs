//! `GET /api/cluster`: one node's picture of its cluster and of the store behind it.

use serde::{Deserialize, Serialize};

use super::group::Group;

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
    /// Receivers of alerts that do not take what this node sends, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<String>,
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
