//! The three writes to a group's record: a claim, a release, and whether the leader serves.

use super::{Group, Seat};
use crate::desk::{Desk, Post};
use crate::id::Epoch;
use crate::message::{Action, Event, Reason};
use crate::mutant::Mutant;
use crate::record::{GroupRecord, Leader, Record};

impl Group {
    pub(super) fn may_write(&self, desk: &Post<'_>) -> bool {
        self.register.free() && !self.blind && desk.now >= self.retry_at
    }

    pub(super) fn claim(&mut self, desk: &mut Desk<'_>) {
        let epoch = self.register.body().map_or(Epoch(0), |record| record.epoch).next();
        self.seat = Seat::Claiming(epoch);
        self.retry_at = desk.now;
        desk.out.push(Action::Tell(Event::Claiming(self.config.id.clone(), epoch)));
        self.send_claim(epoch, desk);
        if desk.config.rules.breaks(Mutant::ActBeforeClaimAcknowledged) {
            self.seat = Seat::Promoting(epoch);
        }
    }

    pub(super) fn send_claim(&mut self, epoch: Epoch, desk: &mut Desk<'_>) {
        let Some(session) = desk.session else { return };
        let reason = self.vacant.as_ref().map_or(Reason::First, |(_, reason)| reason.clone());
        let unrest = self.unrest().saturating_add(u32::from(!reason.planned()));
        let record = GroupRecord {
            nonce: desk.nonce(),
            epoch,
            leader: Some(Leader { node: desk.config.name.clone(), session }),
            serving: false,
            service: self.config.address.clone(),
            next: None,
            avoid: None,
            reason,
            unrest,
            obeyed: self.obeyed(),
        };
        self.send(record, Mutant::ClaimWithoutVersion, desk);
    }

    pub(super) fn send_release(&mut self, epoch: Epoch, desk: &mut Desk<'_>) {
        let parting = self.parting.clone();
        let avoid = parting.as_ref().is_some_and(|parting| parting.avoid).then(|| desk.config.name.clone());
        let record = GroupRecord {
            nonce: desk.nonce(),
            epoch,
            leader: None,
            serving: false,
            service: None,
            next: parting.as_ref().and_then(|parting| parting.next.clone()),
            avoid,
            unrest: self.unrest(),
            reason: parting.as_ref().map_or(Reason::Stopped, |parting| parting.reason.clone()),
            obeyed: parting.and_then(|parting| parting.act).unwrap_or(self.obeyed()),
        };
        self.send(record, Mutant::NonceReused, desk);
    }

    fn obeyed(&self) -> u64 {
        self.register.body().map_or(0, |record| record.obeyed)
    }

    /// Keeps the record true to what is: whether the leader serves, and whether the group has settled.
    pub(super) fn publish(&mut self, desk: &mut Desk<'_>) {
        let serving = matches!(self.seat, Seat::Leading(_));
        if desk.config.rules.breaks(Mutant::AnnouncedBeforeReady)
            && let Seat::Promoting(epoch) = self.seat
        {
            self.announce(epoch, desk);
        }
        let Some(record) = self.register.body() else { return };
        let unrest = if self.calm(desk) { 0 } else { record.unrest };
        if (record.serving, record.unrest) != (serving, unrest) && self.mine(desk) && self.may_write(desk) {
            let record = GroupRecord { nonce: desk.nonce(), serving, unrest, ..record.clone() };
            self.send(record, Mutant::NonceReused, desk);
        }
    }

    /// `careless`: the mutant under which this very write forgets what it builds on.
    pub(super) fn send(&mut self, record: GroupRecord, careless: Mutant, desk: &mut Desk<'_>) {
        let blindly = careless == Mutant::ClaimWithoutVersion && desk.config.rules.breaks(careless);
        desk.send(self.key(), &mut self.register, record, Record::Group);
        if blindly {
            desk.forget_expectation();
        }
    }
}
