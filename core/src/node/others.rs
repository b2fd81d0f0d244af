//! What a node does about the others: it observes them, and ends sessions that are silent or proven dead.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Expiry, Parts};
use crate::desk::Desk;
use crate::id::{NodeName, Version};
use crate::message::{Action, Event, Expect, Outcome, Ticket};
use crate::mutant::Mutant;
use crate::observe::Observed;
use crate::proof::Proof;
use crate::record::{Grounds, Key, Record, SessionRecord, SessionState};
use crate::session::proves;
use crate::time::Instant;

impl Parts<'_> {
    pub(super) fn observe(
        &mut self,
        at: Instant,
        node: &NodeName,
        version: Version,
        record: &Result<SessionRecord, String>,
        desk: &mut Desk<'_>,
    ) {
        let alive = |record: &Result<SessionRecord, String>| {
            record.as_ref().map_or(true, |record| record.state == SessionState::Alive)
        };
        let Some(observed) = self.others.get_mut(node) else {
            if alive(record) && *node != desk.config.name {
                desk.out.push(Action::Tell(Event::MemberCame(node.clone())));
            }
            self.others.insert(node.clone(), Observed::first(at, version, record.clone()));
            return;
        };
        let was = alive(&observed.record);
        if !observed.look(at, version, record) || *node == desk.config.name {
            return;
        }
        match (was, alive(record), record) {
            (true, false, Ok(record)) => {
                desk.out.push(Action::Tell(Event::MemberLeft(node.clone(), record.state)));
            }
            (false, true, _) => desk.out.push(Action::Tell(Event::MemberCame(node.clone()))),
            (true, true, _) | (false, false, _) | (true, false, Err(_)) => {}
        }
    }

    /// A5: silence, confirmed by a look that began after it had lasted long enough.
    pub(super) fn expire_the_silent(&mut self, began: Instant, desk: &mut Desk<'_>) {
        if desk.session.is_none() {
            return;
        }
        let (rules, promise) = (desk.config.rules, desk.config.timing.promise());
        let silent: Vec<_> = self
            .others
            .iter()
            .filter(|(_, other)| other.silent_at(rules, promise).is_some_and(|at| began >= at))
            .filter_map(|(node, other)| Some((node.clone(), other.record.clone().ok()?)))
            .collect();
        if rules.breaks(Mutant::ClaimOverStaleLive) {
            return;
        }
        for (node, record) in silent {
            self.expire(&node, record, SessionState::Expired, desk);
        }
    }

    /// Says whether the proof may still be of use.
    pub(super) fn use_proof(&mut self, proof: &Proof, desk: &mut Desk<'_>) -> bool {
        let proven = self.others.iter().find_map(|(node, observed)| {
            let record = observed.record.as_ref().ok()?;
            proves(proof, record).then(|| (node.clone(), record.clone()))
        });
        let Some((node, record)) = proven else { return true };
        let alive = record.state == SessionState::Alive;
        if alive && (desk.session.is_some() || node == desk.config.name) {
            let own = self.session.demise.filter(|_| node == desk.config.name);
            let demise = own.or(proof.demise);
            let grounds = desk.config.voter.is_some().then_some(Grounds::Proof(proof.secret));
            self.expire(&node, SessionRecord { grounds, demise, ..record }, SessionState::Proven, desk);
        }
        alive
    }

    pub(super) fn expire(&mut self, node: &NodeName, record: SessionRecord, state: SessionState, desk: &mut Desk<'_>) {
        let Some(observed) = self.others.get(node) else { return };
        if observed.gone || self.expiring.contains_key(node) {
            return;
        }
        let record = SessionRecord { nonce: desk.nonce(), state, ..record };
        let ticket = desk.ticket();
        let (key, written) = (Key::Session(node.clone()), Record::Session(record.clone()));
        let over = observed.version;
        let expect = Expect::Version(over);
        desk.out.push(Action::Write { ticket, key, expect, record: written });
        if desk.config.rules.breaks(Mutant::ExpireWithoutVersion) {
            desk.forget_expectation();
        }
        self.expiring.insert(node.clone(), Expiry { ticket, over, record });
    }

    pub(super) fn expired(&mut self, ticket: Ticket, outcome: Outcome, desk: &mut Desk<'_>) {
        let found = self.expiring.iter().find(|(_, expiry)| expiry.ticket == ticket);
        let Some(node) = found.map(|(node, _)| node.clone()) else { return };
        let Some(expiry) = self.expiring.remove(&node) else { return };
        match outcome {
            Outcome::Applied(version) => {
                let (session, state) = (expiry.record.session, expiry.record.state);
                desk.out.push(Action::Tell(Event::SessionEnded(node.clone(), session, state)));
                self.observe(desk.now, &node, version, &Ok(expiry.record), desk);
                desk.look |= node == desk.config.name;
            }
            // By the law, perhaps, and not for the version: the promises are asked for again (B5).
            Outcome::Refused if desk.config.voter.is_some() => desk.look = true,
            Outcome::Refused => {
                if let Some(observed) = self.others.get_mut(&node) {
                    observed.gone |= observed.version == expiry.over;
                }
                desk.look = true;
            }
            Outcome::Unknown => desk.look = true,
        }
    }
}
