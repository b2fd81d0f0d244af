//! A node among voters: what it hears, answers and learns of them (part B). It judges no silence: see `voter`.

use core::time::Duration;

use alloc::vec::Vec;

use super::{Node, Parts};
use crate::desk::Desk;
use crate::id::VoterId;
use crate::message::{Action, Look};
use crate::quorum::{Answer, Question, Renewal};
use crate::record::{Key, Record, SessionState};
use crate::time::Instant;

impl Node {
    /// Takes what a look says of the voters, and lets this node's own voter know of the sessions.
    pub(super) fn inform(&mut self, look: &Look) {
        let Some(voter) = &mut self.voter else { return };
        if let Some((_, Ok(Record::Voters(record)))) = look.records.get(&Key::Voters)
            && self.voters.as_ref().is_none_or(|voters| voters.number < record.number)
        {
            self.voters = Some(record.clone());
        }
        let living = |session: &crate::SessionId| {
            look.records.values().any(|(_, record)| match record {
                Ok(Record::Session(record)) => record.session == *session && record.state == SessionState::Alive,
                Ok(Record::Group(_) | Record::Orders(_) | Record::Voters(_)) => false,
                // It may be the very one.
                Err(_) => true,
            })
        };
        voter.informed(|session| !living(session));
    }

    /// Somebody asks this node as a voter. Every node hears renewals, to know who is there; only voters count.
    pub(super) fn asked(&mut self, now: Instant, from: VoterId, question: &Question, out: &mut Vec<Action>) {
        let Some(voter) = &mut self.voter else { return };
        let rules = self.config.rules;
        let (Question::Renew(Renewal { node: of, .. }) | Question::Would(of, _) | Question::Promise(of, _)) = question;
        let known = self.others.get(of).and_then(|other| other.record.as_ref().ok());
        match question {
            Question::Renew(renewal) => {
                // Of its own name it knows what it has written there: a twin's sessions bear it too. It promises on
                // nothing but what the log has shown it, or it could not tell when a promise may be forgotten.
                let own = if *of == self.config.name { self.session.record() } else { None };
                let answer = voter.renewal(now, rules, renewal, known.or(own));
                let Some(answer) = answer else { return };
                out.push(Action::Answer(from, answer));
                if let (Answer::Heard(session, _), Some(other)) = (answer, self.others.get_mut(&renewal.node)) {
                    other.heard(now, session);
                }
                if renewal.node == self.config.name {
                    self.session.heard_of_its_last(now, renewal.session);
                }
            }
            Question::Would(node, session) => {
                if let Some(would) = voter.would(now, rules, node, *session, known) {
                    out.push(Action::Answer(from, Answer::Would(*session, would.err())));
                }
            }
            Question::Promise(node, session) => {
                if voter.would(now, rules, node, *session, known) == Some(Ok(())) {
                    voter.promise(rules, from, *session, out);
                }
            }
        }
    }

    /// A voter answers this node.
    pub(super) fn answered(&mut self, now: Instant, voter: VoterId, answer: Answer, out: &mut Vec<Action>) {
        self.at_desk(now, out, |parts, desk| match answer {
            Answer::Heard(..) | Answer::Refused(_) => parts.session.answered(voter, answer, desk),
            Answer::Would(..) | Answer::Promised(_) => parts.answered(voter, answer, desk),
        });
    }

    /// Where voters keep the leases a look is only needed after a hint; without one it is a second belt.
    pub(super) fn look_pause(&self) -> Duration {
        if self.voter.is_some() { self.config.timing.ttl() / 2 } else { self.config.timing.look() }
    }
}

impl Parts<'_> {
    /// Our own last session is ended like anybody's; once it is, our name is nobody else's.
    pub(super) fn watch_our_last(&mut self, desk: &Desk<'_>) {
        if desk.config.voter.is_some() && !self.session.waits_for_its_last() {
            self.others.remove(&desk.config.name);
            self.endings.remove(&desk.config.name);
        }
    }
}
