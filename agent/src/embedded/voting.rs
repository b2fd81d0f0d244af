//! Carries what this node and the voters say to each other; what it says to itself comes back at once.
//!
//! It decides nothing and waits for nothing: a message that cannot be sent now is lost, and the next one follows soon.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use hotseat_core::{Answer, Input, NodeName, Question, Renewal, SessionId, VoterId};
use hotseat_stores::raft::Raft;
use tokio::sync::mpsc;

use super::promises::Promises;
use super::votes::Vote;
use crate::driver::Message;
use crate::links::{Links, Peer};

/// The loop's hand among the voters.
pub struct Voting {
    own: VoterId,
    links: Links,
    raft: Arc<Raft>,
    promises: Promises,
    others: BTreeMap<VoterId, Peer>,
    inbox: mpsc::Sender<Message>,
    back: VecDeque<Input>,
}

impl Voting {
    /// For this incarnation; knows nobody else yet.
    #[must_use]
    pub fn new(own: VoterId, links: Links, raft: Arc<Raft>, promises: Promises, inbox: mpsc::Sender<Message>) -> Self {
        Self { own, links, raft, promises, others: BTreeMap::new(), inbox, back: VecDeque::new() }
    }

    /// Who else is there.
    pub fn know(&mut self, others: Vec<Peer>) {
        let others = others.into_iter().map(|peer| (VoterId(peer.id), peer));
        self.others = others.filter(|(id, _)| *id != self.own).collect();
    }

    /// To everybody, this node included.
    pub fn renew(&mut self, renewal: Renewal) {
        let question = Question::Renew(renewal);
        let bytes = Vote::Asked(question.clone()).encode();
        for peer in self.others.values() {
            self.links.send(peer, bytes.clone());
        }
        self.back.push_back(Input::Asked(self.own, question));
    }

    /// To one voter.
    pub fn ask(&mut self, to: VoterId, question: Question) {
        if to == self.own {
            self.back.push_back(Input::Asked(to, question));
        } else {
            self.send(to, &Vote::Asked(question));
        }
    }

    /// To whoever asked.
    pub fn answer(&mut self, to: VoterId, answer: Answer) {
        if to == self.own {
            self.back.push_back(Input::Answered(to, answer));
        } else {
            self.send(to, &Vote::Answered(answer));
        }
    }

    fn send(&self, to: VoterId, vote: &Vote) {
        if let Some(peer) = self.others.get(&to) {
            self.links.send(peer, vote.encode());
        }
    }

    /// A guard has proven everything of that node's session dead: if it led the log, somebody else had better do so at
    /// once. A word that is wrong costs an election, never safety.
    pub fn suspect(&self, node: &NodeName) {
        if let Some(peer) = self.others.values().find(|peer| peer.name == *node) {
            self.raft.suspect(peer.id);
        }
    }

    /// Puts promises on the disk, beside the loop, and reports.
    pub fn keep(&self, number: u64, promises: BTreeSet<SessionId>) {
        let (file, inbox) = (self.promises.clone(), self.inbox.clone());
        tokio::task::spawn_blocking(move || {
            let kept = file.keep(&promises).map_err(|error| error.to_string());
            if let Err(why) = &kept {
                tracing::error!("the disk does not take this voter's promises: {why}");
            }
            drop(inbox.blocking_send(Message::Input(Input::Kept(number, kept))));
        });
    }

    /// What this node has said to itself.
    pub fn said(&mut self) -> Option<Input> {
        self.back.pop_front()
    }
}
