//! `[group.check]`: ports of this node where load balancers ask, and nobody else does.

use super::claims::Claims;
use super::entry::Entry;
use super::fault::Fault;
use super::section::Section;
use hotseat_core::GroupId;
use std::net::SocketAddr;

/// Keys of `[group.check]`.
pub(super) const KEYS: &[&str] = &["listen", "agent"];

/// Where load balancers ask whether this node leads the group. At least one of the two is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckPort {
    /// HTTP: 200 on the leader, 503 elsewhere, whatever path is asked for.
    pub listen: Option<SocketAddr>,
    /// `HAProxy`'s agent-check: one line, `up` or `down`.
    pub agent: Option<SocketAddr>,
}

impl CheckPort {
    pub(super) fn read(section: &Section<'_>, id: &GroupId, claims: &mut Claims) -> Result<Self, Fault> {
        let mut port = |key, what: &str| -> Result<Option<SocketAddr>, Fault> {
            let Some(entry) = section.get(key) else { return Ok(None) };
            let address = Entry::address(entry)?;
            claims.address(address, format!("the {what} of group \"{id}\""), entry.spot())?;
            Ok(Some(address))
        };
        let (listen, agent) = (port("listen", "check")?, port("agent", "agent-check")?);
        if listen.is_none() && agent.is_none() {
            return Err(section.fault("[group.check] listens nowhere", "add listen = \"0.0.0.0:9201\""));
        }
        Ok(Self { listen, agent })
    }
}
