//! A leadership that is given up: announced first, then drained, and only then ended.
//!
//! ```text
//!  Demoting ── the record says that nobody serves ──> hushed ── all proxies have drained ──┐
//!     │          (for no longer than a write may take)   │          or `drain` is over     v
//!     └────────────── the service died, the session is over ─────────────────────> the service steps down
//! ```
//!
//! All the while the service acts, within the same lease and epoch: nothing is released earlier, and a lapsed lease ends
//! it at its deadline whatever is under way. What was not planned waits for nothing.

use core::time::Duration;

use super::{Group, Seat};
use crate::desk::{Desk, Post};
use crate::id::{Epoch, NodeName};
use crate::message::{Action, Reason};
use crate::mutant::Mutant;
use crate::time::Instant;

/// A release that could not be written for so long will not be soon: the node cannot write, and others may. Longer than
/// disks stall that come back, as the end of the session ends everything of it.
const RELEASE_MAX: Duration = Duration::from_secs(10);

/// Why and to whom a leadership is given up.
#[derive(Clone, Debug)]
pub(super) struct Parting {
    pub(super) reason: Reason,
    pub(super) next: Option<NodeName>,
    pub(super) avoid: bool,
    /// The act that ordered it, where one did.
    pub(super) act: Option<u64>,
    /// Until then the service goes on acting, so that other nodes' proxies hear of the end before it comes.
    hush_until: Instant,
    /// The record says that nobody serves any more.
    hushed: bool,
    /// Until then the service goes on acting, unless there is nothing under way any more.
    drain_until: Instant,
}

impl Parting {
    /// A planned end is announced first, for no longer than a write may take.
    pub(super) fn planned(reason: Reason, next: Option<NodeName>, desk: &Post<'_>) -> Self {
        let hush_until = desk.now + desk.config.timing.store_timeout();
        Self { reason, next, avoid: true, act: None, hush_until, hushed: false, drain_until: desk.now }
    }

    /// As that act ordered.
    pub(super) fn by(self, act: u64) -> Self {
        Self { act: Some(act), ..self }
    }

    /// The service is dead already.
    pub(super) fn forced(reason: Reason, next: NodeName, desk: &Post<'_>) -> Self {
        let (next, now) = (Some(next), desk.now);
        Self { reason, next, avoid: true, act: None, hush_until: now, hushed: true, drain_until: now }
    }

    /// How long the service acts on, if nothing else happens.
    pub(super) fn acts_until(&self) -> Instant {
        self.hush_until.max(self.drain_until)
    }
}

impl Group {
    /// Whether the service still acts so that others may hear first, and finish.
    pub(super) fn lingering(&mut self, desk: &mut Desk<'_>) -> bool {
        let serving = self.register.body().is_some_and(|record| record.serving) && self.mine(desk);
        if !serving {
            self.hushed(desk);
        }
        let Some(parting) = &self.parting else { return false };
        let demoting = matches!(self.seat, Seat::Demoting(_));
        let lingering = desk.now < parting.acts_until() && demoting && !self.service.stepped_down();
        if lingering {
            self.publish(desk);
        }
        lingering
    }

    /// The record says that nobody serves: others have a moment to hear it, and then time to finish what is under way.
    fn hushed(&mut self, desk: &mut Desk<'_>) {
        let (Seat::Demoting(epoch), Some(parting)) = (&self.seat, &mut self.parting) else { return };
        if parting.hushed {
            return;
        }
        parting.hushed = true;
        parting.hush_until = parting.hush_until.min(desk.now + desk.config.timing.look() / 4);
        if self.config.service.drain.is_zero() || self.service.stepped_down() {
            return;
        }
        if !desk.config.rules.breaks(Mutant::DrainUnheeded) {
            parting.drain_until = desk.now + self.config.service.drain;
        }
        desk.out.push(Action::Drain(self.config.id.clone(), *epoch));
    }

    /// Nothing is under way to the service of this epoch any more.
    pub(crate) fn drained(&mut self, epoch: Epoch, desk: &Post<'_>) {
        if self.seat == Seat::Demoting(epoch)
            && let Some(parting) = &mut self.parting
        {
            parting.drain_until = desk.now;
        }
    }

    pub(super) fn withdraw(&mut self, desk: &mut Desk<'_>) {
        if let Some(epoch) = self.announced.take() {
            desk.out.push(Action::Withdraw(self.config.id.clone(), epoch));
            self.withdrawing = self.config.followers;
        }
    }

    /// What followed this epoch is off. An answer of an earlier one comes too late to count.
    pub(crate) fn withdrawn(&mut self, epoch: Epoch) {
        if self.seat.epoch() == Some(epoch) {
            self.withdrawing = false;
        }
    }

    /// Whether it has stepped down and cannot write so, for so long that only the end of the session frees the group.
    pub(crate) fn stuck(&self, desk: &Post<'_>) -> bool {
        self.stuck_at(desk).is_some_and(|at| desk.now >= at)
    }

    pub(super) fn stuck_at(&self, desk: &Post<'_>) -> Option<Instant> {
        // Everything of a node that stops ends anyway: it waits for a write, and a second one, and no longer.
        let limit = if desk.stopping { desk.config.timing.store_timeout() * 2 } else { RELEASE_MAX };
        self.releasing.map(|since| since + limit)
    }
}
