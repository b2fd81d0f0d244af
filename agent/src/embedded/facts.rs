//! What people and programs are told of an embedded cluster's members. It only reads.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hotseat_client::{Roll, Seat, Voters};
use hotseat_core::{NodeName, VoterId};
use hotseat_stores::raft::Raft;
use tokio::sync::watch;

use super::reception::Reception;
use super::roll::{Assembly, Member};
use super::steward::peer;
use super::votes::Vote;
use crate::identity::{Keeper, Source, State};
use crate::links::Links;

/// Voters speak far more often than this.
const HEARD_MAX: Duration = Duration::from_secs(3);

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Facts {
    pub(crate) raft: Arc<Raft>,
    pub(super) reception: Arc<Reception>,
    pub(super) assembly: watch::Receiver<Arc<Assembly>>,
    pub(super) links: Links,
    pub(super) own: VoterId,
    pub(super) keeper: Arc<Keeper>,
}

impl Facts {
    /// The voters, and how many of them were heard of within this time.
    #[must_use]
    pub fn voters(&self, within: Duration) -> Voters {
        let assembly = Arc::clone(&self.assembly.borrow());
        let heard = |id: &&VoterId| self.silent(**id).is_some_and(|it| it < within);
        let (count, well) = (assembly.voters.len(), assembly.voters.iter().filter(heard).count());
        Voters { count, well, can_lose: well.saturating_sub(count / 2 + 1) }
    }

    /// What keeps this node's part of the store from working.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let health = self.raft.health();
        if let Some(failure) = health.failure {
            return Some(failure);
        }
        (!health.quorum).then(|| {
            let why = match health.leader {
                Some(_) => "no majority of the voters answers",
                None => "nobody leads the log: no majority of the voters is there, or it is being elected",
            };
            format!("{why}{}", self.missing())
        })
    }

    /// The voters that nothing is heard of, and what helps.
    fn missing(&self) -> String {
        let assembly = Arc::clone(&self.assembly.borrow());
        let silent = |id: &&VoterId| self.silent(**id).is_none_or(|silence| silence > HEARD_MAX);
        let name = |id: &VoterId| assembly.roll.0.get(id).map(|(_, member)| member.name.clone());
        let names: Vec<_> = assembly.voters.iter().filter(silent).filter_map(name).collect();
        match names.join(", ") {
            names if names.is_empty() => names,
            names => format!(
                ". Nothing is heard of {names}: start their agents, or, where they are lost for good, begin anew with \
                 hotseat snapshot restore"
            ),
        }
    }

    /// What the cluster would not survive, or what will end soon.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        self.few().or_else(|| self.certificate())
    }

    fn few(&self) -> Option<String> {
        let assembly = Arc::clone(&self.assembly.borrow());
        let voters = assembly.voters.iter().filter_map(|id| assembly.roll.0.get(id)).map(|(_, member)| member);
        let name = |member: &Member| member.name.clone();
        match voters.collect::<Vec<_>>()[..] {
            [one] => Some(format!(
                "one voter: the loss of {} is the loss of the cluster's state. Add two nodes: hotseat join",
                name(one)
            )),
            [one, two] if one.witness != two.witness => {
                let (witness, full) = if one.witness { (one, two) } else { (two, one) };
                Some(format!(
                    "two voters, and {} is a witness: while {} is down nobody can take over. Add a second full node: \
                     hotseat join",
                    name(witness),
                    name(full)
                ))
            }
            [one, two] => Some(format!(
                "two voters: while {} or {} is down nobody can take over. Add a third node, a witness will do: \
                 hotseat join … --witness",
                name(one),
                name(two)
            )),
            _ => None,
        }
    }

    /// How long this node's certificate is good for, if it is there.
    #[must_use]
    pub fn certificate_ends(&self) -> Option<Duration> {
        Some(self.keeper.health(SystemTime::now())?.expires_in)
    }

    /// What is wrong with this node's certificate.
    #[must_use]
    pub fn certificate(&self) -> Option<String> {
        if let Some(trouble) = self.keeper.trouble() {
            return Some(format!("this node's new certificate is not used: {trouble}"));
        }
        let health = self.keeper.health(SystemTime::now())?;
        let days = health.expires_in.as_secs() / 86_400;
        match health.state {
            State::Fresh => None,
            _ if health.expires_in.is_zero() => {
                Some(String::from("this node's certificate has expired: the others turn it away"))
            }
            _ => Some(format!("this node's certificate ends in {days} days and was not renewed yet")),
        }
    }

    /// Everybody.
    #[must_use]
    pub fn roll(&self) -> Roll {
        let assembly = Arc::clone(&self.assembly.borrow());
        let log = self.raft.members();
        let name = |id: u64| assembly.roll.0.get(&VoterId(id)).map(|(_, member)| member.name.clone());
        let mut members: Vec<_> = assembly
            .roll
            .0
            .iter()
            .filter_map(|(id, (_, member))| {
                let standing = log.iter().find(|it| it.peer.id == id.0);
                // Who is out but not yet gone is shown, so that people see it go.
                let state = match (member.removed, assembly.voters.contains(id), standing) {
                    (false, true, _) => "voter",
                    (true, true, _) | (true, false, Some(_)) => "leaving",
                    (true, false, None) => return None,
                    (false, false, Some(standing)) if standing.voter || self.silent(*id).is_some() => "spare",
                    (false, false, _) => "coming",
                };
                Some(self.seat(*id, member, state, standing.and_then(|it| it.lag)))
            })
            .collect();
        members.sort_by(|a, b| a.node.cmp(&b.node));
        Roll { members, log_leader: self.raft.leader().and_then(name), warning: self.warning() }
    }

    /// Whether the node of this name was taken out, and none of that name has come since.
    #[must_use]
    pub fn has_removed(&self, node: &NodeName) -> bool {
        let assembly = Arc::clone(&self.assembly.borrow());
        let named = |(_, member): &(u64, Member)| member.removed && member.name == node.as_str();
        assembly.roll.named(node.as_str()).is_none() && assembly.roll.0.values().any(named)
    }

    /// Tells the other members that this node cannot use the store, and knows whom to tell of it.
    pub fn call(&self) {
        let assembly = Arc::clone(&self.assembly.borrow());
        let others = assembly.roll.present().filter(|(id, _)| *id != self.own);
        others.filter_map(peer).for_each(|other| self.links.send(&other, Vote::Stranded.encode()));
    }

    /// The other members that have said so within this time, by name.
    #[must_use]
    pub fn stranded(&self, within: Duration) -> Vec<String> {
        let assembly = Arc::clone(&self.assembly.borrow());
        let lately = |id: VoterId| self.reception.stranded(id.0).is_some_and(|since| since < within);
        let others = assembly.roll.present().filter(|(id, _)| *id != self.own && lately(*id));
        others.map(|(_, member)| member.name.clone()).collect()
    }

    /// Since it was last heard of. Of itself a node always hears.
    fn silent(&self, id: VoterId) -> Option<Duration> {
        if id == self.own { Some(Duration::ZERO) } else { self.reception.silent(id.0) }
    }

    fn seat(&self, id: VoterId, member: &Member, state: &str, lag: Option<u64>) -> Seat {
        let silent = self.silent(id);
        Seat {
            node: member.name.clone(),
            id: format!("{:016x}", id.0),
            address: member.address.clone(),
            state: state.to_owned(),
            witness: member.witness,
            silent_ms: silent.map(|silent| u64::try_from(silent.as_millis()).unwrap_or(u64::MAX)),
            lag,
        }
    }

    fn no_authority(&self) -> &'static str {
        if matches!(self.keeper.source(), Source::Given(..)) {
            "this cluster's certificates are made elsewhere: make one for the new node with that CA, say [node] tls and join \
             in its file, and run there: hotseat join -c FILE"
        } else {
            "this node does not hold the cluster's CA: ask a member that is no witness"
        }
    }

    /// A line that lets one more node in.
    ///
    /// # Errors
    /// Why this node cannot make one.
    pub fn invite(&self, good: Duration) -> Result<String, String> {
        let identity = Arc::clone(&self.keeper.watch().borrow());
        let authority = identity.authority().ok_or_else(|| self.no_authority())?;
        let assembly = Arc::clone(&self.assembly.borrow());
        // Those who can let others in, this node first.
        let mut doors: Vec<_> = assembly.roll.present().filter(|(_, member)| !member.witness).collect();
        doors.sort_by_key(|(id, _)| (*id != self.own, !assembly.voters.contains(id), *id));
        let addresses: Vec<_> = doors.into_iter().map(|(_, member)| member.address.clone()).collect();
        authority
            .invite(&addresses, good, SystemTime::now())
            .map(|token| token.to_string())
            .map_err(|error| error.to_string())
    }
}
