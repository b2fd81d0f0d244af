//! The lease as voters justify it (B1, B7): renewals sent beside the log, and the sets of voters that count.

use super::{Phase, Session};
use crate::demise::Demise;
use crate::desk::Desk;
use crate::id::{SessionId, VoterId};
use crate::message::Action;
use crate::mutant::Mutant;
use crate::quorum::{Answer, Renewal};
use crate::record::VotersRecord;
use crate::tally::Tally;
use crate::time::Instant;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Quorum {
    tally: Tally,
    /// The set that justifies the lease.
    using: Option<VotersRecord>,
    /// The set after it, in the log's order, until it justifies the whole running lease alone.
    next: Option<VotersRecord>,
    /// The session stands in the log: it may be renewed.
    logged: bool,
    /// When the record is to be written, if there is news.
    pub(super) write_at: Option<Instant>,
}

impl Quorum {
    /// The number of the set that is counted on.
    pub(super) fn seen(&self) -> Option<u64> {
        self.using.as_ref().map(|voters| voters.number)
    }

    /// A new session has nothing acknowledged yet.
    pub(super) fn begin(&mut self) {
        self.tally = Tally::default();
        self.logged = false;
    }

    fn justified(&self, voters: &VotersRecord, careless: bool) -> Option<Instant> {
        let needed = if careless { 1 } else { voters.voters.len() / 2 + 1 };
        self.tally.justified(&voters.voters, needed)
    }
}

impl Session {
    /// Whether it waits for this node's last session to be ended.
    pub(crate) fn waits_for_its_last(&self) -> bool {
        self.quorum.is_some() && matches!(self.phase, Phase::Joining | Phase::Waiting)
    }

    /// Somebody renews this node's last session: an agent of this name lives elsewhere.
    pub(crate) fn heard_of_its_last(&mut self, now: Instant, session: SessionId) {
        if let Some(old) = &mut self.old {
            old.heard(now, session);
        }
    }

    /// Takes the newest set of voters that the log shows here (B7).
    pub(crate) fn voters(&mut self, voters: &VotersRecord, desk: &mut Desk<'_>) {
        let Some(quorum) = &mut self.quorum else { return };
        let newer = quorum.seen().is_none_or(|seen| voters.number > seen);
        if !newer {
            return;
        }
        // A session that does not stand in the log yet begins with the newest set; the log sees to it.
        if matches!(self.phase, Phase::Alive | Phase::Leaving | Phase::Ending { .. }) || quorum.logged {
            quorum.next = Some(voters.clone());
            self.count(desk);
        } else {
            quorum.using = Some(voters.clone());
            quorum.next = None;
        }
    }

    /// The record stands in the log: from now on voters may be asked to keep its lease.
    pub(super) fn logged(&mut self, desk: &Desk<'_>) {
        let Some(quorum) = &mut self.quorum else { return };
        if !quorum.logged {
            quorum.logged = true;
            self.renew_at = desk.now;
            // The set changed while it began: no lease ever counted on the one that the record names (B7).
            if self.register.body().is_some_and(|record| record.seen != quorum.seen()) {
                quorum.write_at = Some(desk.now);
            }
        }
    }

    /// It stands in the log, and no majority has acknowledged it yet: there is nothing to write.
    pub(super) fn unheard(&self) -> bool {
        self.phase == Phase::Beginning && self.quorum.as_ref().is_some_and(|quorum| quorum.logged)
    }

    /// When the next renewal is due.
    pub(super) fn renewal_at(&self) -> Option<Instant> {
        self.quorum.as_ref().filter(|quorum| quorum.logged).map(|_| self.renew_at)
    }

    /// Sends a renewal, if one is due. A session that is over sends none.
    pub(super) fn renew(&mut self, desk: &mut Desk<'_>) {
        let due = self.renewal_at().is_some_and(|at| desk.now >= at);
        if !due || !matches!(self.phase, Phase::Beginning | Phase::Alive) {
            return;
        }
        let Some(session) = self.register.body().map(|record| record.session) else { return };
        let Some(quorum) = &mut self.quorum else { return };
        let seq = quorum.tally.send(desk.now);
        self.tried = desk.now;
        self.renew_at = desk.now + desk.config.timing.renewal();
        desk.out.push(Action::Renew(Renewal { node: desk.config.name.clone(), session, seq }));
    }

    /// Takes a voter's answer to a renewal.
    pub(crate) fn answered(&mut self, voter: VoterId, answer: Answer, desk: &mut Desk<'_>) {
        let mine = self.register.body().map(|record| record.session);
        let rules = desk.config.rules;
        let Some(quorum) = &mut self.quorum else { return };
        if !quorum.logged || !matches!(self.phase, Phase::Beginning | Phase::Alive) {
            return;
        }
        match answer {
            Answer::Heard(session, seq) if Some(session) == mine => {
                let newest = quorum.tally.newest();
                quorum.tally.heard(voter, if rules.breaks(Mutant::AckWithoutSeq) { newest } else { seq });
                self.count(desk);
            }
            // A lapsed session is over: one voter that will not hear it any more is enough (B5).
            Answer::Refused(session) if Some(session) == mine && !rules.breaks(Mutant::RefusedSessionGoesOn) => {
                self.over(Demise::Refused, "a voter has promised to end it", desk);
            }
            Answer::Heard(..) | Answer::Refused(_) | Answer::Would(..) | Answer::Promised(_) => {}
        }
    }

    /// Counts what is acknowledged, in the set in use; goes over to the next once that alone carries the lease (B7).
    fn count(&mut self, desk: &mut Desk<'_>) {
        let rules = desk.config.rules;
        let Some(quorum) = &mut self.quorum else { return };
        if let Some(next) = quorum.next.take() {
            let carries = quorum.justified(&next, false).is_some_and(|sent| sent >= self.renewed);
            if carries || rules.breaks(Mutant::SeenTooEarly) {
                quorum.using = Some(next);
                quorum.write_at = Some(desk.now);
            } else {
                quorum.next = Some(next);
            }
        }
        let Some(using) = &quorum.using else { return };
        let Some(sent) = quorum.justified(using, rules.breaks(Mutant::Minority)) else { return };
        let sent = if rules.breaks(Mutant::LeaseFromAck) { desk.now } else { sent };
        if self.phase == Phase::Beginning
            && let Some(record) = self.register.body().cloned()
        {
            self.begin(&record, desk);
        }
        self.extend(sent, desk);
        self.lapse(desk);
    }
}
