//! Who belongs to the cluster: asked of any node, decided by the leader, kept in the log.
//!
//! Voters are openraft's; which nodes' promises count for a lease is a record like any other (B6), not this.

use std::fmt;
use std::time::Duration;

use openraft::async_runtime::WatchReceiver;
use openraft::{ChangeMembers, Instant as _};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::types::{Metrics, Peer};
use super::wire::{Answer, Control};
use super::{Inner, Raft};

/// More nodes than anybody runs; the list of them goes into every snapshot.
pub(super) const MEMBERS_MAX: usize = 64;

/// A learner this close behind the leader may vote: what it lacks is on its way to it.
const LAG_MAX: u64 = 64;

/// A learner that has said nothing for so long is not there: a short log is no sign of life.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// One member, as the node that was asked sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who, and where.
    pub peer: Peer,
    /// Whether it votes; a learner follows the log and answers, but does not count.
    pub voter: bool,
    /// How many entries of the log it lacks; `None` if that is not known here: only the leader knows.
    pub lag: Option<u64>,
    /// How long ago it acknowledged anything of the log; `None` if it never did, or that is not known here.
    pub silent: Option<Duration>,
}

impl Member {
    /// Whether it is there, and has all but the newest entries of the log.
    pub fn caught_up(&self) -> bool {
        self.lag.is_some_and(|lag| lag <= LAG_MAX) && self.silent.is_some_and(|silent| silent <= SILENCE_MAX)
    }
}

/// A change of the members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Change {
    Add(Peer),
    Promote(u64),
    Demote(u64),
    Remove(u64),
    Readdress(u64, String),
    Transfer(u64),
}

/// Why a change is not known to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unchanged {
    /// It was not made, and will not be until something else changes; says what.
    Refused(String),
    /// It may have been made or may yet be; look at the members before anything else.
    Unknown(String),
}

impl fmt::Display for Unchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unchanged::Refused(why) | Unchanged::Unknown(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Unchanged {}

impl Raft {
    /// Lets a node follow the log, without a vote. A node that is there already keeps its vote and gets this address.
    ///
    /// # Errors
    /// [`Unchanged`].
    pub async fn add_learner(&self, peer: Peer) -> Result<(), Unchanged> {
        self.change(Change::Add(peer)).await
    }

    /// Gives a learner a vote; refused while it lags.
    ///
    /// # Errors
    /// [`Unchanged`].
    pub async fn promote(&self, id: u64) -> Result<(), Unchanged> {
        self.change(Change::Promote(id)).await
    }

    /// Takes a vote away; the node goes on as a learner.
    ///
    /// # Errors
    /// [`Unchanged`].
    pub async fn demote(&self, id: u64) -> Result<(), Unchanged> {
        self.change(Change::Demote(id)).await
    }

    /// Takes a node out for good: its id never comes back.
    ///
    /// # Errors
    /// [`Unchanged`].
    pub async fn remove(&self, id: u64) -> Result<(), Unchanged> {
        self.change(Change::Remove(id)).await
    }

    /// Tells everybody a member's new address.
    ///
    /// # Errors
    /// [`Unchanged`].
    pub async fn readdress(&self, id: u64, address: &str) -> Result<(), Unchanged> {
        self.change(Change::Readdress(id, address.to_owned())).await
    }

    /// Asks the leader to hand over to `to`. Done means asked: the leader changes a moment later, or stays.
    ///
    /// # Errors
    /// [`Unchanged`].
    pub async fn transfer(&self, to: u64) -> Result<(), Unchanged> {
        self.change(Change::Transfer(to)).await
    }

    /// The members as this node knows them, ordered by id; empty before it has joined.
    pub fn members(&self) -> Vec<Member> {
        members_in(&self.0.metrics.borrow_watched())
    }

    /// The members as the leader knows them: with how far each is behind.
    ///
    /// # Errors
    /// [`Unavailable`](crate::Unavailable), if no leader answers in time.
    pub async fn census(&self) -> Result<Vec<Member>, crate::Unavailable> {
        match self.0.lead(Control::Members, Instant::now() + self.0.timeout).await {
            Answer::Members(members) => Ok(members),
            other => Err(crate::Unavailable(other.why())),
        }
    }

    /// Who leads the log, as far as this node knows.
    pub fn leader(&self) -> Option<u64> {
        self.0.leader()
    }

    /// Why the cluster would not survive the loss of one voter, in words for people; `None` if it would.
    pub fn cannot_survive(&self) -> Option<String> {
        let voters: Vec<Member> = self.members().into_iter().filter(|member| member.voter).collect();
        match voters.as_slice() {
            [] | [_, _, _, ..] => None,
            [one] => Some(format!("one voter: the loss of {} is the loss of the cluster's records", one.peer.name)),
            [one, two] => Some(format!(
                "two voters: while {} or {} is down nothing can be decided, since one of two is no majority; a third \
                 voter cures it",
                one.peer.name, two.peer.name
            )),
        }
    }

    async fn change(&self, change: Change) -> Result<(), Unchanged> {
        match self.0.lead(Control::Change(change), Instant::now() + self.0.timeout).await {
            Answer::Changed => Ok(()),
            Answer::Refused(why) => Err(Unchanged::Refused(why)),
            other => Err(Unchanged::Unknown(other.why())),
        }
    }
}

impl Inner {
    /// Makes a change, on the leader.
    pub(super) async fn change(&self, change: Change) -> Answer {
        let metrics = self.metrics.borrow_watched().clone();
        if let Err(why) = sensible(&change, &members_in(&metrics)) {
            return if metrics.state.is_leader() { Answer::Refused(why) } else { Answer::NotLeader(self.leader()) };
        }
        let (members, keep) = match change {
            Change::Transfer(to) => return self.hand_over(to).await,
            Change::Add(peer) => return self.add(peer, &metrics).await,
            Change::Readdress(id, address) => {
                let known = metrics.membership_config.get_node(&id).cloned();
                let peer = Peer { address, ..known.unwrap_or_default() };
                (ChangeMembers::SetNodes([(id, peer)].into()), true)
            }
            Change::Promote(id) => (ChangeMembers::AddVoterIds([id].into()), true),
            Change::Demote(id) => (ChangeMembers::RemoveVoters([id].into()), true),
            Change::Remove(id) if metrics.membership_config.voter_ids().any(|voter| voter == id) => {
                (ChangeMembers::RemoveVoters([id].into()), false)
            }
            Change::Remove(id) => (ChangeMembers::RemoveNodes([id].into()), false),
        };
        self.put(members, keep).await
    }

    async fn add(&self, peer: Peer, metrics: &Metrics) -> Answer {
        match metrics.membership_config.get_node(&peer.id) {
            Some(known) if *known == peer => Answer::Changed,
            Some(_) => self.put(ChangeMembers::SetNodes([(peer.id, peer)].into()), true).await,
            None => self.put(ChangeMembers::AddNodes([(peer.id, peer)].into()), true).await,
        }
    }

    pub(super) async fn put(&self, members: ChangeMembers<u64, Peer>, keep: bool) -> Answer {
        let _turn = self.changing.lock().await;
        let change = self.raft.change_membership(members, keep);
        match tokio::time::timeout(self.timeout, change).await {
            Ok(Ok(_)) => Answer::Changed,
            Ok(Err(error)) => Answer::of_write(error),
            Err(_) => Answer::Unknown(format!("no majority took the change on within {:?}", self.timeout)),
        }
    }

    pub(super) async fn hand_over(&self, to: u64) -> Answer {
        if !self.metrics.borrow_watched().state.is_leader() {
            return Answer::NotLeader(self.leader());
        }
        match self.raft.trigger().transfer_leader(to).await {
            Ok(()) => Answer::Changed,
            Err(error) => Answer::Unknown(error.to_string()),
        }
    }
}

/// What can be said against a change by looking at the members.
fn sensible(change: &Change, members: &[Member]) -> Result<(), String> {
    let known = |id: u64| {
        let found = members.iter().find(|member| member.peer.id == id);
        found.ok_or_else(|| format!("{id:016x} is no member of this cluster"))
    };
    let voters = members.iter().filter(|member| member.voter).count();
    match change {
        Change::Add(peer) if !peer.fits() => Err("a member needs a name and a host:port of usual length".to_owned()),
        Change::Add(peer) if members.len() >= MEMBERS_MAX && known(peer.id).is_err() => {
            Err(format!("a cluster has at most {MEMBERS_MAX} members: remove one first"))
        }
        Change::Add(_) => Ok(()),
        Change::Promote(id) => match known(*id)? {
            member if member.voter || member.caught_up() => Ok(()),
            member => Err(format!("{} lags too far behind to vote: {:?} entries", member.peer.name, member.lag)),
        },
        Change::Demote(id) | Change::Remove(id) => match known(*id)? {
            member if member.voter && voters == 1 => {
                Err(format!("{} is the last voter: promote another one first", member.peer.name))
            }
            _ => Ok(()),
        },
        Change::Readdress(id, address) => {
            let moved = Peer { address: address.clone(), ..known(*id)?.peer.clone() };
            if moved.fits() { Ok(()) } else { Err("an address is host:port, of usual length".to_owned()) }
        }
        Change::Transfer(id) => match known(*id)? {
            member if member.voter => Ok(()),
            member => Err(format!("{} has no vote, so it cannot lead: promote it first", member.peer.name)),
        },
    }
}

pub(super) fn members_in(metrics: &Metrics) -> Vec<Member> {
    let voters: Vec<u64> = metrics.membership_config.voter_ids().collect();
    let nodes = metrics.membership_config.nodes();
    let member = |(id, peer): (&u64, &Peer)| Member {
        peer: peer.clone(),
        voter: voters.contains(id),
        lag: lag(metrics, *id),
        silent: silent(metrics, *id),
    };
    nodes.map(member).collect()
}

fn silent(metrics: &Metrics, id: u64) -> Option<Duration> {
    if id == metrics.id {
        return metrics.state.is_leader().then_some(Duration::ZERO);
    }
    let heard = (*metrics.heartbeat.as_ref()?.get(&id)?)?;
    Some(heard.elapsed())
}

fn lag(metrics: &Metrics, id: u64) -> Option<u64> {
    let last = metrics.last_log_index.map_or(0, |last| last + 1);
    if id == metrics.id {
        return metrics.state.is_leader().then_some(0);
    }
    let matched = metrics.replication.as_ref()?.get(&id)?;
    Some(last.saturating_sub(matched.map_or(0, |matched| matched.index() + 1)))
}
