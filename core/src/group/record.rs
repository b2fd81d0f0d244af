//! What the store says of a group's record, and what that settles of our own writes to it.

use alloc::string::String;

use super::{Group, Seat};
use crate::desk::{Desk, Post};
use crate::id::{Epoch, Version};
use crate::message::{Action, Event, GuardCommand, Outcome, Reason, Ticket};
use crate::mutant::Mutant;
use crate::record::{GroupRecord, Record};
use crate::register::Settled;
use crate::time::Instant;

impl Group {
    /// Takes what a look says of this group's record.
    pub(crate) fn looked(
        &mut self,
        began: Instant,
        found: Option<&(Version, Result<Record, String>)>,
        desk: &mut Desk<'_>,
    ) {
        self.blind = false;
        self.known = Some(began);
        match found {
            None => {}
            Some((version, Ok(Record::Group(record)))) => {
                self.damaged = false;
                self.learn(*version, record, desk);
            }
            Some((_, other)) => {
                self.damaged = true;
                let why = match other {
                    Err(why) => why.clone(),
                    Ok(_) => String::from("a session's record stands in a group's place"),
                };
                desk.damaged(self.key(), &Err::<(), _>(why));
            }
        }
        if let (Seat::Releasing(epoch), true) = (&self.seat, desk.config.rules.breaks(Mutant::ReleaseSettledByRead)) {
            let old = self.register.body().is_some_and(|record| record.leader.is_some());
            if old && self.register.unsettled() && self.register.free() {
                self.seat = Seat::Promoting(*epoch);
            }
        }
    }

    pub(super) fn learn(&mut self, version: Version, record: &GroupRecord, desk: &mut Desk<'_>) {
        if version <= self.register.version() {
            return;
        }
        let before = self.register.body().cloned();
        let settled = self.register.looked(desk.now, version, record);
        if settled != Settled::Nothing {
            self.vacant = None;
            self.report(before.as_ref(), desk);
        }
        self.settle(settled, desk);
    }

    /// Tells people what changed in the record.
    pub(super) fn report(&self, before: Option<&GroupRecord>, desk: &mut Desk<'_>) {
        let Some(now) = self.register.body() else { return };
        let (group, epoch) = (self.config.id.clone(), now.epoch);
        let known = before.map_or(Epoch(0), |record| record.epoch);
        match &now.leader {
            Some(leader) if epoch > known => {
                let (node, reason) = (leader.node.clone(), now.reason.clone());
                desk.out.push(Action::Tell(Event::NewLeader { group: group.clone(), node, epoch, reason }));
            }
            None if before.is_some_and(|record| record.leader.is_some()) || epoch > known => {
                let reason = now.reason.clone();
                desk.out.push(Action::Tell(Event::NoLeader { group: group.clone(), epoch, reason }));
            }
            Some(_) | None => {}
        }
        let served = before.is_some_and(|record| record.serving && record.epoch == epoch);
        if let (Some(leader), true, false) = (&now.leader, now.serving, served) {
            let node = leader.node.clone();
            desk.out.push(Action::Tell(Event::Serving { group, node, epoch }));
        }
    }

    pub(crate) fn awaits(&self, ticket: Ticket) -> bool {
        self.register.awaits(ticket)
    }

    pub(crate) fn written(&mut self, ticket: Ticket, outcome: Outcome, desk: &mut Desk<'_>) {
        let before = self.register.body().cloned();
        match outcome {
            Outcome::Applied(_) => {}
            Outcome::Refused => self.blind = true,
            Outcome::Unknown => self.retry_at = desk.now + desk.config.timing.renewal() / 4,
        }
        if !matches!(outcome, Outcome::Applied(_)) {
            desk.look = true;
            self.forget_release(outcome, desk);
        }
        let settled = self.register.written(desk.now, ticket, outcome);
        if settled != Settled::Nothing {
            self.vacant = None;
            self.report(before.as_ref(), desk);
        }
        self.settle(settled, desk);
    }

    /// Mutant only: an unanswered release is taken for a refused one, and the leader leads on.
    pub(super) fn forget_release(&mut self, outcome: Outcome, desk: &Post<'_>) {
        if let (Seat::Releasing(epoch), Outcome::Unknown) = (&self.seat, outcome)
            && desk.config.rules.breaks(Mutant::UnknownReleaseRefused)
        {
            self.seat = Seat::Promoting(*epoch);
        }
    }

    /// Moves on what is now known of our writes.
    pub(super) fn settle(&mut self, settled: Settled<GroupRecord>, desk: &mut Desk<'_>) {
        match (settled, self.seat.clone()) {
            (Settled::Nothing, _) => {}
            (Settled::Applied(applied), Seat::Claiming(epoch)) if applied.record.epoch == epoch => {
                self.seat = Seat::Promoting(epoch);
            }
            (Settled::Applied(_), Seat::Releasing(_)) if self.released() => self.stand_by(),
            (Settled::Moved, Seat::Claiming(_) | Seat::Releasing(_)) => self.stand_by(),
            // Nobody may claim over a live session; if the record moved all the same, stop at once.
            (Settled::Moved, Seat::Promoting(epoch) | Seat::Leading(epoch) | Seat::Demoting(epoch))
                if !self.mine(desk) =>
            {
                self.withdraw(desk);
                desk.out.push(Action::Guard(GuardCommand::Kill(self.config.id.clone(), self.service.run())));
                let reason = Reason::Replaced;
                desk.out.push(Action::Tell(Event::NoLeader { group: self.config.id.clone(), epoch, reason }));
                self.stand_by();
            }
            (Settled::Applied(_) | Settled::Moved, _) => {}
        }
    }

    pub(super) fn released(&self) -> bool {
        self.register.body().is_none_or(|record| record.leader.is_none())
    }

    pub(super) fn mine(&self, desk: &Post<'_>) -> bool {
        let leader = self.register.body().and_then(|record| record.leader.as_ref());
        leader.is_some_and(|leader| leader.node == desk.config.name && Some(leader.session) == desk.session)
    }
}
