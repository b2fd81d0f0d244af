//! Whose turn it is: since when nobody holds the group, and when this node may try.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use super::{Group, Seat};
use crate::demise::Demise;
use crate::desk::Post;
use crate::election::{Candidate, order};
use crate::message::Reason;
use crate::observe::Hold;
use crate::record::SessionState;
use crate::roster::Roster;
use crate::time::Instant;

impl Group {
    /// Notes since when nobody holds the record.
    pub(super) fn judge_vacancy(&mut self, roster: &Roster<'_>, desk: &Post<'_>) {
        let reason = match self.register.body() {
            None => Some(Reason::First),
            Some(record) => match &record.leader {
                None => Some(record.reason.clone()),
                Some(_) if self.forgotten(desk) => Some(Reason::Replaced),
                Some(leader) => match roster.hold(leader, desk) {
                    Hold::Held => None,
                    Hold::Ended(SessionState::Proven, demise) => Some(fenced(demise).unwrap_or(Reason::Proven)),
                    Hold::Ended(SessionState::Released, _) => Some(Reason::Stopped),
                    Hold::Ended(SessionState::Alive | SessionState::Expired, _) => Some(Reason::Silent),
                    Hold::Replaced(demise) => Some(fenced(demise).unwrap_or(Reason::Replaced)),
                },
            },
        };
        match (reason, &self.vacant) {
            (None, _) => self.vacant = None,
            (Some(reason), None) => self.vacant = Some((desk.now, reason)),
            (Some(_), Some(_)) => {}
        }
    }

    /// The record names our session, but we do not lead: a claim that was given up as lost has landed.
    /// Only a claim of the next epoch leads on from here (A2).
    pub(super) fn forgotten(&self, desk: &Post<'_>) -> bool {
        self.seat == Seat::Standby && self.mine(desk) && !self.register.unsettled() && self.service.stepped_down()
    }

    /// Whether this node could lead, if perhaps not well.
    pub(super) fn fit(&self, desk: &Post<'_>) -> bool {
        self.mode(desk).may_lead() && !desk.stopping && desk.session.is_some() && self.service.healthy()
    }

    /// A service that runs and is ready has got over its failures, however many they were.
    pub(super) fn fit_to_serve(&self) -> bool {
        self.service.healthy() && (!self.service.exhausted() || self.service.ready().is_some())
    }

    /// Whether this node would lead if asked now.
    pub(super) fn able(&self, desk: &Post<'_>) -> bool {
        self.fit(desk) && self.fit_to_serve()
    }

    pub(super) fn candidate(&self, desk: &Post<'_>) -> Candidate {
        let avoided = self.register.body().and_then(|record| record.avoid.as_ref()) == Some(&desk.config.name);
        Candidate {
            node: desk.config.name.clone(),
            avoided,
            priority: self.priority(desk),
            hot: self.service.ready().is_some(),
            fresh: 0,
            version: desk.config.version.clone(),
        }
    }

    /// How this node stands in the election, or why it could not lead.
    pub(crate) fn standing(&self, desk: &Post<'_>) -> Result<Candidate, String> {
        if self.able(desk) {
            return Ok(self.candidate(desk));
        }
        let name = &desk.config.name;
        Err(match self.service.trouble() {
            _ if !self.mode(desk).may_lead() => format!("{name} never leads: its mode says so"),
            _ if desk.stopping => format!("{name} is stopping"),
            _ if desk.session.is_none() => format!("{name} has no lease"),
            Some(trouble) => format!("{name} cannot lead now: {trouble}"),
            None => format!("{name} cannot lead now: its service has failed"),
        })
    }

    /// A node that has just come has perhaps not seen all the others yet: it looks once more before it tries to lead.
    pub(super) fn needs_look(&self, desk: &Post<'_>) -> bool {
        let young = desk.now < desk.began + desk.config.timing.ttl() / 2;
        let vacant = self.vacant.as_ref().map(|(since, _)| *since);
        young && vacant.is_some_and(|since| self.known.is_none_or(|known| known < since))
    }

    /// When this node's turn comes, if nothing changes.
    pub(crate) fn claim_at(&self, roster: &Roster<'_>, desk: &Post<'_>) -> Option<Instant> {
        let (since, _) = self.vacant.as_ref()?;
        let held = match self.bar(roster, desk) {
            Some((_, None)) => return None,
            Some((_, Some(until))) => until,
            None => *since,
        };
        if self.seat != Seat::Standby
            || !desk.fresh
            || self.known.is_none()
            || self.damaged
            || self.blind
            || !self.fit(desk)
        {
            return None;
        }
        let record = self.register.body();
        let next = record.and_then(|record| record.next.as_ref());
        let avoid = record.and_then(|record| record.avoid.as_ref());
        if self.needs_look(desk) {
            return None;
        }
        // An unfinished write of an earlier turn must settle first.
        if !self.register.free() {
            return None;
        }
        let ttl = desk.config.timing.ttl();
        // Where the service keeps failing it is tried again only if nobody else wants to lead.
        let last_resort = if self.able(desk) { Duration::ZERO } else { ttl * 2 };
        // Where nobody has led, or all have stopped, members may just be coming: the best of them should win.
        let fresh_start = record.is_none_or(|record| record.leader.is_none());
        let gathered = if fresh_start { (*since).max(desk.began + ttl / 2) } else { *since };
        let settled = gathered + last_resort;
        match next {
            Some(next) if *next == desk.config.name => return Some(held),
            Some(next) if roster.able(next, &self.config.id).is_ok() => {
                return Some(held.max(self.register.seen() + ttl));
            }
            Some(_) | None => {}
        }
        let me = self.candidate(desk);
        let better = roster.candidates(&self.config.id, avoid);
        // Whom people's orders leave to claim has nobody to wait for.
        let alone = self.pinned_here(desk) || self.orders().paused;
        let rank = better.iter().filter(|other| !alone && order(other, &me).is_lt()).count();
        let rank = u32::try_from(rank).unwrap_or(u32::MAX).min(16);
        Some(held.max(settled + desk.config.timing.renewal() * rank))
    }
}

/// Why the leadership ended, where it is known that the lease ran out with its agent still there.
const fn fenced(demise: Option<Demise>) -> Option<Reason> {
    match demise {
        Some(Demise::LeaseOver | Demise::StoodStill) => Some(Reason::Lapsed),
        Some(Demise::Unanswered) => Some(Reason::CutOff),
        Some(
            Demise::AgentGone
            | Demise::AsTold
            | Demise::Refused
            | Demise::Unwritable
            | Demise::GuardGone
            | Demise::Unknown,
        )
        | None => None,
    }
}
