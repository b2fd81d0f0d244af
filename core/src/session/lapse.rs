//! How a session is over before this node wanted it to be, and what is kept of why.

use alloc::string::String;

use super::{Phase, Session};
use crate::demise::Demise;
use crate::desk::Desk;
use crate::message::{Action, Event, GuardCommand};
use crate::mutant::Mutant;
use crate::record::SessionState;

impl Session {
    /// Ends the session if its deadline has passed. Comes first in every step.
    pub(crate) fn lapse(&mut self, desk: &mut Desk<'_>) {
        if self.phase != Phase::Alive || desk.now < self.lease_until {
            return;
        }
        if desk.config.rules.breaks(Mutant::LapsedSessionResumes) {
            self.lease_until = desk.now + desk.config.timing.renewal();
        } else {
            let (demise, why) = self.lapsed_by(desk);
            self.over(demise, why, desk);
        }
    }

    /// A node that kept asking had lost its quorum. One that asked nobody for most of its lease was not running.
    fn lapsed_by(&self, desk: &Desk<'_>) -> (Demise, &'static str) {
        if desk.now.since(self.tried) < desk.config.timing.ttl() / 2 {
            (Demise::Unanswered, "no renewal was acknowledged in time")
        } else {
            (Demise::StoodStill, "it stood still until its lease had run out")
        }
    }

    /// Ends the session before its time: others can write that it is over once everything of it is proven dead.
    pub(crate) fn give_up(&mut self, demise: Demise, why: &str, desk: &mut Desk<'_>) {
        if self.phase == Phase::Alive {
            self.over(demise, why, desk);
        }
    }

    pub(super) fn over(&mut self, demise: Demise, why: &str, desk: &mut Desk<'_>) {
        if let Some(id) = self.id {
            self.demise = Some(demise);
            desk.out.push(Action::Tell(Event::SessionOver(id, String::from(why))));
        }
        desk.out.push(Action::Guard(GuardCommand::End));
        self.phase = Phase::Over;
        self.register.abandon();
        self.armed = None;
    }

    /// Our record moved, and not by us: somebody ended this session.
    pub(super) fn refused(&mut self, desk: &mut Desk<'_>) {
        let mine = self
            .register
            .body()
            .is_some_and(|record| Some(record.session) == self.id && record.state == SessionState::Alive);
        if !mine {
            self.over(Demise::Refused, "others ended it", desk);
        }
    }
}
