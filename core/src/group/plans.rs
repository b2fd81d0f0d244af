//! Why a leader that is well hands over all the same: it was ordered to, it may not lead any more, another is pinned, or
//! a member of larger priority has come back.
//!
//! ```text
//!  paused ──> nothing      order for this epoch ──> obeyed, or refused for good     may not lead ──> steps down
//!  pinned elsewhere, able for a ttl ──> hands over      larger priority, able for `failback` ──> hands over
//! ```
//! An order for an earlier epoch is void: its leadership has ended already. What was found better must have been able all
//! the while, as this leader saw it, and longer where the group does not settle.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use super::{Group, Parting, Seat};
use crate::desk::{Desk, Post};
use crate::election::order;
use crate::id::{Epoch, NodeName, SessionId};
use crate::message::{Action, Event, Reason};
use crate::mode::Mode;
use crate::mutant::Mutant;
use crate::roster::Roster;
use crate::time::Instant;

/// Somebody who should lead instead.
struct Better {
    node: NodeName,
    session: SessionId,
    /// Once it was able to for so long.
    after: Duration,
    reason: Reason,
}

impl Group {
    /// Whether this leader begins to hand over, as planned.
    pub(super) fn planned(&mut self, epoch: Epoch, roster: &Roster<'_>, desk: &mut Desk<'_>) -> bool {
        self.answer_order(epoch, roster, desk);
        if !matches!(self.seat, Seat::Demoting(_)) && !self.paused(desk) {
            if self.mode(desk).may_lead() {
                self.give_way(epoch, roster, desk);
            } else {
                let reason = Reason::Ordered(format!("mode of {} is {}", desk.config.name, self.mode(desk).as_str()));
                let next = self.heir(roster, desk);
                self.demote(epoch, Parting::planned(reason, next, desk), desk);
            }
        }
        matches!(self.seat, Seat::Demoting(_))
    }

    /// Obeys or refuses the newest switchover that was ordered, once, and only if it is for this very leadership.
    fn answer_order(&mut self, epoch: Epoch, roster: &Roster<'_>, desk: &mut Desk<'_>) {
        let careless = desk.config.rules.breaks(Mutant::OldOrderObeyed);
        let new = |act: u64, of: Epoch| act > self.orders.answered && (of == epoch || (careless && of < epoch));
        let Some(ordered) = self.orders().switchover.clone().filter(|it| new(it.act, it.epoch)) else { return };
        if ordered.to.as_ref().is_some_and(|to| !self.paused(desk) && self.unaware(to, roster, desk)) {
            return;
        }
        self.orders.answered = ordered.act;
        match self.successor(ordered.to, roster, desk) {
            Ok(next) => {
                desk.out.push(Action::Tell(Event::Obeyed(self.config.id.clone(), epoch, ordered.act)));
                let parting = Parting::planned(Reason::Switchover, Some(next), desk);
                self.demote(epoch, parting.by(ordered.act), desk);
            }
            Err(why) => desk.out.push(Action::Tell(Event::Refused(self.config.id.clone(), epoch, ordered.act, why))),
        }
    }

    /// Who is to lead next where people ask for a change: whom they name, whom they pinned, or the best.
    ///
    /// # Errors
    /// Why nobody may, or not this one.
    fn successor(&self, to: Option<NodeName>, roster: &Roster<'_>, desk: &Post<'_>) -> Result<NodeName, String> {
        let (id, me) = (&self.config.id, &desk.config.name);
        if self.paused(desk) {
            return Err(format!("{id} is paused: nothing moves until it is resumed"));
        }
        let to = match (&self.orders().pinned, to) {
            (_, Some(to)) if to == *me => return Err(format!("{to} leads {id} already")),
            (Some(pinned), to) if to.as_ref().unwrap_or(pinned) != pinned || pinned == me => {
                return Err(format!("{id} is pinned to {pinned}: unpin it first"));
            }
            (Some(pinned), _) => Some(pinned.clone()),
            (None, to) => to,
        };
        match to {
            Some(to) => roster.able(&to, id).map(|()| to),
            None => roster.best(id, None).ok_or_else(|| roster.why_none(id)),
        }
    }

    /// Who is to lead next where this node has to let go.
    pub(super) fn heir(&self, roster: &Roster<'_>, desk: &Post<'_>) -> Option<NodeName> {
        let id = &self.config.id;
        let able = |node: &&NodeName| **node != desk.config.name && roster.able(node, id).is_ok();
        let pinned = self.orders().pinned.as_ref().filter(able);
        pinned.cloned().or_else(|| roster.best(id, None)).filter(|_| !self.paused(desk))
    }

    /// Hands over to somebody better who has stayed able for long enough.
    fn give_way(&mut self, epoch: Epoch, roster: &Roster<'_>, desk: &mut Desk<'_>) {
        let Some(better) = self.better(roster, desk) else {
            self.better = None;
            return;
        };
        if self.better.is_none_or(|(known, _)| known != better.session) {
            self.better = Some((better.session, desk.now));
        }
        if self.planned_at(roster, desk).is_some_and(|at| desk.now >= at) {
            self.demote(epoch, Parting::planned(better.reason, Some(better.node), desk), desk);
        }
    }

    /// When somebody better is handed the lead, if it stays able.
    pub(super) fn planned_at(&self, roster: &Roster<'_>, desk: &Post<'_>) -> Option<Instant> {
        if !matches!(self.seat, Seat::Leading(_) | Seat::Promoting(_)) || self.paused(desk) {
            return None;
        }
        let (better, (known, since)) = (self.better(roster, desk)?, self.better?);
        let at_once = desk.config.rules.breaks(Mutant::FailbackAtOnce);
        let after = if at_once { Duration::ZERO } else { better.after + self.hold() };
        (known == better.session).then_some(since + after)
    }

    fn better(&self, roster: &Roster<'_>, desk: &Post<'_>) -> Option<Better> {
        let id = &self.config.id;
        if let Some(node) = &self.orders().pinned {
            let elsewhere = *node != desk.config.name && roster.able(node, id).is_ok();
            let reason = Reason::Ordered(format!("{id} is pinned to {node}"));
            let session = roster.session(node).filter(|_| elsewhere)?;
            return Some(Better { node: node.clone(), session, after: desk.config.timing.ttl(), reason });
        }
        let after = self.config.failback?;
        if self.order(desk).mode == Some(Mode::Leader) {
            // People said that it is to lead: a priority does not undo that.
            return None;
        }
        let own = self.priority(desk);
        // Who was told to stand by does not come back by itself.
        let demoted = |node: &NodeName| matches!(self.orders().of(node).mode, Some(Mode::Standby | Mode::HotStandby));
        let higher = roster.candidates(id, None).into_iter().filter(|it| it.priority > own && !demoted(&it.node));
        let node = higher.min_by(order)?.node;
        Some(Better { session: roster.session(&node)?, node, after, reason: Reason::Failback })
    }

    /// When this leadership has lasted so long that the changes before it count no more.
    pub(super) fn calm_at(&self, desk: &Post<'_>) -> Option<Instant> {
        let restless = self.register.body().is_some_and(|record| record.unrest > 0) && self.mine(desk);
        self.well.filter(|_| restless).map(|since| since + self.config.calm).filter(|at| *at > desk.now)
    }

    /// Whether it has.
    pub(super) fn calm(&self, desk: &Post<'_>) -> bool {
        self.well.is_some_and(|since| desk.now >= since + self.config.calm)
    }
}
