//! Keeps the log's members and the record of voters in step with the roll, on whichever node leads the log; and tells
//! this node who belongs to the cluster. What is to be done, `steps` decides.
//!
//! Runs until the agent ends. Every step may fail and is taken again, so nothing is remembered here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotseat_core::{NodeName, Record, VoterId, VotersRecord};
use hotseat_stores::raft::{Peer, Raft};
use hotseat_stores::{Entry, Key, Store, Written};
use tokio::sync::{mpsc, watch};

use super::enrol::Denied;
use super::knock::knock;
use super::roll::{Assembly, Member, Roll};
use super::steps::{self, Picture, Standing, Step};
use crate::codec;
use crate::driver::Message;
use crate::links::{self, Links, REMOVED};
use crate::random;

/// Between two looks without a hint: silence and lag change without a write.
const PACE: Duration = Duration::from_millis(250);

/// Without a majority for so long, the others are asked whether this node still belongs to them.
const DOUBT: Duration = Duration::from_secs(2);

/// See the module.
pub(crate) struct Steward {
    /// The log.
    pub raft: Arc<Raft>,
    /// This incarnation.
    pub own: VoterId,
    /// This node's name.
    pub node: String,
    /// When a dead voter gives its place to a spare.
    pub replace_after: Duration,
    /// The loop.
    pub inbox: mpsc::Sender<Message>,
    /// For whoever wants to know the members.
    pub assembly: watch::Sender<Arc<Assembly>>,
    /// For the links: who is turned away.
    pub removed: watch::Sender<Arc<BTreeSet<u64>>>,
    /// Since when this node listens.
    pub began: Instant,
    /// The ways to the others.
    pub links: Links,
}

impl Steward {
    /// Runs until the loop is gone.
    pub(crate) async fn run(self) {
        let mut hints = self.raft.watch();
        let mut well = Instant::now();
        while !self.inbox.is_closed() {
            if self.raft.health().quorum {
                well = Instant::now();
            } else if well.elapsed() > DOUBT {
                well = Instant::now();
                if self.shut_out().await {
                    return self.stop().await;
                }
            }
            if let Ok(entries) = self.raft.list().await {
                let assembly = self.tell(&entries).await;
                self.turn_away(&assembly.roll);
                if self.dismissed(&assembly) {
                    return self.stop().await;
                }
                if let Some(step) = self.step(&assembly)
                    && let Err(why) = self.take(step.clone(), &entries).await
                {
                    tracing::debug!("{step:?}: {why}; tried again");
                    // Not sooner for a hint: what was refused would be refused again.
                    tokio::time::sleep(PACE).await;
                }
            }
            // A hint may be our own step's, and there may be a next one.
            drop(tokio::time::timeout(PACE, hints.next()).await);
        }
    }

    /// Tells the loop and everybody else who belongs to the cluster, when that has changed.
    async fn tell(&self, entries: &[Entry]) -> Arc<Assembly> {
        let voters = voters(entries).map(|(_, record)| record.voters).unwrap_or_default();
        let now = Assembly { roll: Roll::of(entries), voters };
        let known = Arc::clone(&self.assembly.borrow());
        if *known == now {
            return known;
        }
        drop(self.inbox.send(Message::Peers(now.roll.present().filter_map(peer).collect())).await);
        let now = Arc::new(now);
        self.assembly.send_replace(Arc::clone(&now));
        now
    }

    /// Who was taken out *and* is out of the log is not spoken to any more: until then the log may need its word.
    fn turn_away(&self, roll: &Roll) {
        let log = self.raft.members();
        let out = roll.removed().filter(|id| !log.iter().any(|member| member.peer.id == id.0));
        let out: BTreeSet<_> = out.map(|id| id.0).collect();
        self.removed.send_if_modified(|known| {
            let differs = **known != out;
            *known = Arc::new(out);
            differs
        });
    }

    /// This node was taken out, and nobody needs its vote any more.
    fn dismissed(&self, assembly: &Assembly) -> bool {
        let votes = |member: &hotseat_stores::raft::Member| member.peer.id == self.own.0 && member.voter;
        let removed = assembly.roll.removed().any(|id| id == self.own);
        removed && !assembly.voters.contains(&self.own) && !self.raft.members().iter().any(votes)
    }

    async fn stop(&self) {
        tracing::error!("this node {REMOVED}: it hands over and stops");
        drop(self.inbox.send(Message::Stop).await);
    }

    /// A node that was taken out may be the last to hear of it: the others do not speak to it any more, except to say
    /// so. True: that is what they say.
    async fn shut_out(&self) -> bool {
        let assembly = Arc::clone(&self.assembly.borrow());
        let Some((_, own)) = assembly.roll.0.get(&self.own) else { return false };
        matches!(knock(&self.raft, &self.links, self.own, &[], own).await, Err(Denied::Removed(_)))
    }

    fn step(&self, assembly: &Assembly) -> Option<Step> {
        if self.raft.leader() != Some(self.own.0) {
            return None;
        }
        let (log, record) = (self.standings(), &assembly.voters);
        let (own, replace_after) = (self.own, self.replace_after);
        steps::next(&Picture { roll: &assembly.roll, log: &log, record, own, replace_after })
    }

    /// Who is in the log, and how they are. This node leads it.
    fn standings(&self) -> BTreeMap<VoterId, Standing> {
        let standing = |member: hotseat_stores::raft::Member| {
            let id = member.peer.id;
            let silent = member.silent.unwrap_or_else(|| self.began.elapsed());
            let caught_up = member.caught_up();
            (VoterId(id), Standing { address: member.peer.address, voter: member.voter, caught_up, silent })
        };
        self.raft.members().into_iter().map(standing).collect()
    }

    async fn take(&self, step: Step, entries: &[Entry]) -> Result<(), String> {
        let told = told(&step, &self.assembly.borrow().roll);
        let error = |error: hotseat_stores::raft::Unchanged| error.to_string();
        let taken = match step {
            Step::Learn(id, member) => {
                let peer = Peer { id: id.0, name: member.name, address: member.address };
                self.raft.add_learner(peer).await.map_err(error)
            }
            Step::Promote(id) => self.raft.promote(id.0).await.map_err(error),
            Step::Demote(id) => self.raft.demote(id.0).await.map_err(error),
            Step::Forget(id) => self.raft.remove(id.0).await.map_err(error),
            Step::Record(set) => self.record(set, entries).await,
        };
        if taken.is_ok() {
            tracing::info!("members: {told}");
        }
        taken
    }

    /// The log's law refuses a change that comes too early (B6): it is made again later.
    async fn record(&self, voters_then: BTreeSet<VoterId>, entries: &[Entry]) -> Result<(), String> {
        let now = voters(entries);
        let number = now.as_ref().map_or(0, |(_, record)| record.number) + 1;
        let nonce = random::nonce()?;
        let record = Record::Voters(VotersRecord { nonce, number, voters: voters_then });
        let body = codec::encode(&self.node, None, &record)?;
        let key = Key::parse("voters").expect("a plain word is a key");
        match self.raft.write(&key, now.map(|(version, _)| version), nonce.0, body).await {
            Written::Applied { .. } => Ok(()),
            Written::Refused => Err(String::from("not every living session counts on the last set yet")),
            Written::Unknown(why) => Err(why),
        }
    }
}

/// The record of voters, with its version.
#[must_use]
pub fn voters(entries: &[Entry]) -> Option<(u64, VotersRecord)> {
    let entry = entries.iter().find(|entry| entry.key.as_str() == "voters")?;
    Some((entry.version, codec::voters(entry)?))
}

/// A member as the links know it.
pub(super) fn peer((id, member): (VoterId, &Member)) -> Option<links::Peer> {
    let name = NodeName::new(&member.name).ok()?;
    Some(links::Peer { id: id.0, name, address: member.address.clone() })
}

/// A step in words.
fn told(step: &Step, roll: &Roll) -> String {
    let name = |id: &VoterId| roll.0.get(id).map_or_else(|| format!("{id:?}"), |(_, member)| member.name.clone());
    match step {
        Step::Learn(_, member) => format!("{} at {} comes into the log", member.name, member.address),
        Step::Promote(id) => format!("{} has the whole log and votes on it", name(id)),
        Step::Record(set) => {
            let names: Vec<_> = set.iter().map(name).collect();
            format!("leases are kept by {}", names.join(", "))
        }
        Step::Demote(id) => format!("{} votes on the log no more", name(id)),
        Step::Forget(id) => format!("{} is out of the log", name(id)),
    }
}
