//! Asking other members to be entered on the roll, or whether one still stands there.

use std::time::Duration;

use hotseat_core::VoterId;
use hotseat_stores::raft::{Peer, Raft};

use super::reception::{Entered, Errand};
use super::road::link;
use super::roll::Member;
use crate::links::{Lane, Links};

/// For one member to answer.
const ENTERING_MAX: Duration = Duration::from_secs(15);

/// Asks one member after the other, until one answers. `known` are asked where the log names nobody yet.
pub(super) async fn knock(raft: &Raft, links: &Links, own: VoterId, known: &[Peer], member: &Member) -> Entered {
    let errand = Errand::Here { address: member.address.clone(), witness: member.witness };
    let errand = postcard::to_stdvec(&errand).map_err(|error| error.to_string())?;
    let mut last = Err(String::from("no other member is known"));
    let members: Vec<_> = raft.members().into_iter().map(|member| member.peer).collect();
    let members = if members.is_empty() { known.to_vec() } else { members };
    for peer in members.iter().filter(|peer| peer.id != own.0).filter_map(link) {
        last = match links.call(&peer, Lane::Control, errand.clone(), ENTERING_MAX).await {
            Ok(answer) => postcard::from_bytes::<Entered>(&answer).map_err(|error| error.to_string()).flatten(),
            Err(error) => Err(error.to_string()),
        };
        if last.is_ok() {
            break;
        }
    }
    last
}
