//! Asking other members to be entered on the roll, or whether one still stands there.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hotseat_core::VoterId;
use hotseat_stores::raft::{self, Raft};

use super::enrol::{Denied, Entered};
use super::reception::Errand;
use super::road::link;
use super::roll::Member;
use crate::links::{Lane, LinkError, Links, Peer};

/// For one member to answer.
const ENTERING_MAX: Duration = Duration::from_secs(15);

/// Asks all members at once, and is content with the first that enters us: one that is frozen holds nobody up. `known`
/// are asked where the log names nobody yet.
pub(super) async fn knock(raft: &Raft, links: &Links, own: VoterId, known: &[raft::Peer], member: &Member) -> Entered {
    let errand = Errand::Here { address: member.address.clone(), witness: member.witness };
    let errand = postcard::to_stdvec(&errand).map_err(|error| error.to_string())?;
    let members: Vec<_> = raft.members().into_iter().map(|member| member.peer).collect();
    let members = if members.is_empty() { known.to_vec() } else { members };
    let others = members.iter().filter(|peer| peer.id != own.0).filter_map(link);
    let mut asked: FuturesUnordered<_> = others.map(|peer| ask(links, peer, errand.clone())).collect();
    let mut last = Err(Denied::Later(String::from("no other member is known")));
    while let Some(answer) = asked.next().await {
        let over = answer.as_ref().map_or_else(Denied::is_final, |()| true);
        last = answer;
        if over {
            break;
        }
    }
    last
}

async fn ask(links: &Links, peer: Peer, errand: Vec<u8>) -> Entered {
    match links.call(&peer, Lane::Control, errand, ENTERING_MAX).await {
        Ok(answer) => postcard::from_bytes(&answer).map_err(|error| Denied::Later(error.to_string())).flatten(),
        Err(LinkError::Removed(why)) => Err(Denied::Removed(why)),
        Err(error) => Err(Denied::Later(error.to_string())),
    }
}
