//! `[group.proxy] reads`: an address on this node at which members that do not lead answer.

use super::claims::Claims;
use super::entry::Entry;
use super::fault::Fault;
use hotseat_core::GroupId;
use std::net::SocketAddr;

const FROM: &[(&str, ReadsFrom)] = &[("standby", ReadsFrom::Standby), ("any", ReadsFrom::Any)];

/// Who answers reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadsFrom {
    /// The standbys whose service is ready, in turn; the leader only where there is none.
    Standby,
    /// The leader too.
    Any,
}

/// An address for reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reads {
    /// Where clients connect. Port 0 (on loopback only): any free one.
    pub listen: SocketAddr,
    /// Who answers them.
    pub from: ReadsFrom,
}

impl Reads {
    pub(super) fn read(entry: Entry<'_>, id: &GroupId, claims: &mut Claims) -> Result<Self, Fault> {
        let section = entry.section("reads", &["listen", "from"])?;
        let listen = section.need("listen", "listen = \"0.0.0.0:8081\"")?;
        let address = listen.address()?;
        claims.address(address, format!("the reads of group \"{id}\""), listen.spot())?;
        let from = section.or("from", |entry| entry.word("from", FROM), ReadsFrom::Standby)?;
        Ok(Self { listen: address, from })
    }
}
