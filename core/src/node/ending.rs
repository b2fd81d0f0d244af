//! Ending a silent session where voters keep its lease: "would you?", then binding promises, then the log.
//!
//! ```text
//!  silent ──> Would to all ──majority would──> Promise to all ──majority promised──> Expire, through the log
//!    ^           │ not yet: again when a majority may      │ fewer: again (B5), they answer at once
//!    └─ heard ───┘                                         │ refused: the voters changed; again
//! ```
//! Any node may do so, and several may at once: the log takes one (B4). It never judges silence: the voters do.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use super::Parts;
use crate::desk::Desk;
use crate::id::{NodeName, SessionId, VoterId};
use crate::message::Action;
use crate::mutant::Mutant;
use crate::quorum::{Answer, Question, majority};
use crate::record::{Grounds, SessionState};
use crate::time::Instant;

/// Asking again sooner than this would be a busy loop.
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// One silent session.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    session: SessionId,
    would: BTreeSet<VoterId>,
    promised: BTreeSet<VoterId>,
    ask_at: Instant,
}

/// Every silent session, by its node.
pub(super) type Endings = BTreeMap<NodeName, Ending>;

/// When the next question is due.
pub(super) fn wake_at(endings: &Endings) -> Option<Instant> {
    endings.values().map(|ending| ending.ask_at).min()
}

impl Parts<'_> {
    /// Starts, repeats and drops attempts, as silence has it.
    pub(super) fn end_the_silent(&mut self, desk: &mut Desk<'_>) {
        let Some(voters) = self.voters else { return };
        let voters = voters.voters.clone();
        let silent = self.silent(desk);
        self.endings.retain(|node, ending| {
            let stands = silent.iter().any(|(silent, session)| silent == node && *session == ending.session);
            // A promise cannot be taken back: what one voter will not acknowledge any more had better be ended.
            stands || (!ending.promised.is_empty() && self.others.get(node).is_some_and(|it| it.alive(ending.session)))
        });
        for (node, session) in silent {
            let fresh = Ending { session, would: BTreeSet::new(), promised: BTreeSet::new(), ask_at: desk.now };
            self.endings.entry(node).or_insert(fresh);
        }
        let now = desk.now;
        for (node, ending) in self.endings.iter_mut().filter(|(_, ending)| now >= ending.ask_at) {
            ending.ask_at = desk.now + desk.config.timing.renewal();
            ending.ask(node, &voters, desk);
        }
    }

    fn silent(&self, desk: &Desk<'_>) -> Vec<(NodeName, SessionId)> {
        let (rules, promise) = (desk.config.rules, desk.config.timing.promise());
        let may = |node: &NodeName| desk.session.is_some() || *node == desk.config.name;
        let silent = self
            .others
            .iter()
            .filter(|(node, other)| may(node) && other.silent_at(rules, promise).is_some_and(|at| desk.now >= at));
        silent.filter_map(|(node, other)| Some((node.clone(), other.record.as_ref().ok()?.session))).collect()
    }

    /// Takes a voter's answer to a question of ours.
    pub(super) fn answered(&mut self, voter: VoterId, answer: Answer, desk: &mut Desk<'_>) {
        let Some(voters) = self.voters else { return };
        let voters = voters.voters.clone();
        let (Answer::Would(session, _) | Answer::Promised(session)) = answer else { return };
        let Some((node, ending)) = self.endings.iter_mut().find(|(_, ending)| ending.session == session) else {
            return;
        };
        match answer {
            Answer::Would(_, None) => {
                let before = ending.ready(&voters, desk);
                ending.would.insert(voter);
                if !before && ending.ready(&voters, desk) {
                    ending.ask(node, &voters, desk);
                }
            }
            Answer::Would(_, Some(wait)) => {
                ending.ask_at = ending.ask_at.min(desk.now + wait.max(PAUSE_MIN));
            }
            Answer::Promised(_) => {
                ending.promised.insert(voter);
                let enough = majority(&voters, &ending.promised) || desk.config.rules.breaks(Mutant::Minority);
                if enough {
                    let (node, promised) = (node.clone(), ending.promised.clone());
                    self.expire_on(&node, session, promised, desk);
                }
            }
            Answer::Heard(..) | Answer::Refused(_) => {}
        }
    }

    fn expire_on(&mut self, node: &NodeName, session: SessionId, promisers: BTreeSet<VoterId>, desk: &mut Desk<'_>) {
        let record = self.others.get(node).and_then(|other| other.record.as_ref().ok());
        let Some(record) = record.filter(|record| record.session == session).cloned() else { return };
        if record.state == SessionState::Alive {
            let record = crate::SessionRecord { grounds: Some(Grounds::Promises(promisers)), ..record };
            self.expire(node, record, SessionState::Expired, desk);
        }
    }
}

impl Ending {
    /// Whether binding promises may be asked for.
    fn ready(&self, voters: &BTreeSet<VoterId>, desk: &Desk<'_>) -> bool {
        !self.promised.is_empty() || majority(voters, &self.would) || desk.config.rules.breaks(Mutant::Minority)
    }

    fn ask(&mut self, node: &NodeName, voters: &BTreeSet<VoterId>, desk: &mut Desk<'_>) {
        let question = if self.ready(voters, desk) {
            Question::Promise(node.clone(), self.session)
        } else {
            // What they would a while ago they may not now.
            self.would.clear();
            Question::Would(node.clone(), self.session)
        };
        for voter in voters {
            desk.out.push(Action::Ask(*voter, question.clone()));
        }
    }
}
