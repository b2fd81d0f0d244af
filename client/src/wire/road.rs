//! How clients come to a group's leader: what stands before the service, and the addresses that follow.

use serde::{Deserialize, Serialize};

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
