//! The log's road: its calls over the links between members.

use std::time::Duration;

use async_trait::async_trait;
use hotseat_core::NodeName;
use hotseat_stores::raft::{Lane, Peer, Unreachable, Wire};

use super::reception::Errand;
use crate::links::{self, Links};

/// The log ends its calls itself, much sooner; this bounds what it forgot.
const LONGEST: Duration = Duration::from_secs(60);

/// See the module.
pub(super) struct Road(pub(super) Links);

#[async_trait]
impl Wire for Road {
    async fn call(&self, to: &Peer, lane: Lane, request: Vec<u8>) -> Result<Vec<u8>, Unreachable> {
        let lost = |why: String| Unreachable(why);
        let to = link(to).ok_or_else(|| lost(format!("\"{}\" is no node's name", to.name)))?;
        let (lane, request) = match lane {
            Lane::Log => (links::Lane::Log, request),
            Lane::Bulk => (links::Lane::Bulk, request),
            Lane::Control => {
                let errand = postcard::to_stdvec(&Errand::Log(request)).map_err(|error| lost(error.to_string()))?;
                (links::Lane::Control, errand)
            }
        };
        self.0.call(&to, lane, request, LONGEST).await.map_err(|error| lost(error.to_string()))
    }
}

/// A member as the links know it.
pub(super) fn link(peer: &Peer) -> Option<links::Peer> {
    let name = NodeName::new(&peer.name).ok()?;
    Some(links::Peer { id: peer.id, name, address: peer.address.clone() })
}
