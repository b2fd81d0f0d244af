//! What a service is told on its own socket.

use serde::{Deserialize, Serialize};

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
