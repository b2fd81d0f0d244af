//! How a session begins: only once the node's last one is known to be ended, and with a guard of its own (D2).

use alloc::string::String;

use super::{Armed, MOVES_OF_THE_LIVING, PROOFS_MAX, Phase, Session, proves};
use crate::demise::Demise;
use crate::desk::Desk;
use crate::id::Version;
use crate::message::{Action, Event, Exit, GuardCommand, GuardReport};
use crate::mutant::Mutant;
use crate::observe::Observed;
use crate::proof::Proof;
use crate::record::{Key, SessionRecord, SessionState};
use crate::time::Instant;

impl Session {
    /// Decides whether the node's last session is known to be ended, so that a new one may begin.
    pub(super) fn look_at_the_old(
        &mut self,
        began: Instant,
        read: Option<(Version, Result<SessionRecord, String>)>,
        desk: &mut Desk<'_>,
    ) {
        if self.quorum.as_ref().is_some_and(|quorum| quorum.seen().is_none()) {
            // Nobody votes yet: a lease could not be kept.
            return;
        }
        // A lagging read may show the session before our last: what ended there says nothing of it.
        if read.as_ref().map_or(Version(0), |(version, _)| *version) < self.register.version() {
            return;
        }
        let Some((version, record)) = read else { return self.arm(desk) };
        match &mut self.old {
            None => self.old = Some(Observed::first(desk.now, version, record)),
            Some(old) => {
                old.look(desk.now, version, &record);
            }
        }
        let Some(old) = &self.old else { return };
        let Ok(record) = &old.record else {
            desk.damaged(Key::Session(desk.config.name.clone()), &old.record);
            return;
        };
        let proof = self.proofs.iter().find(|proof| proves(proof, record));
        let proven = proof.is_some();
        // What this run of the agent saw itself it knows better.
        self.demise = self.demise.or(record.demise).or(proof.and_then(|proof| proof.demise));
        let silent = old.silent_at(desk.config.rules, desk.config.timing.promise()).is_some_and(|at| began >= at);
        let careless = desk.config.rules.breaks(Mutant::NewSessionWithoutEnding);
        // Where voters keep leases, only the log ends one: see `Parts::end_the_silent`.
        let ended = self.quorum.is_none() && (proven || silent);
        if record.state != SessionState::Alive || ended || careless {
            return self.arm(desk);
        }
        if old.moves >= MOVES_OF_THE_LIVING {
            let address = record.address.clone();
            self.phase = Phase::Gone;
            desk.out.push(Action::Guard(GuardCommand::End));
            desk.out.push(Action::Exit(Exit::NameTaken { address }));
        } else if self.phase == Phase::Joining {
            self.phase = Phase::Waiting;
            desk.out.push(Action::AskGuard(record.session));
            desk.out.push(Action::Tell(Event::Waiting(record.session)));
        }
    }

    /// This node must not come in, and why.
    pub(crate) fn turned_away(&mut self, exit: Exit, desk: &mut Desk<'_>) {
        self.phase = Phase::Gone;
        desk.out.push(Action::Exit(exit));
    }

    pub(super) fn arm(&mut self, desk: &mut Desk<'_>) {
        if !self.admitted {
            return;
        }
        self.phase = Phase::Arming;
        desk.out.push(Action::SpawnGuard);
    }

    pub(crate) fn guard(&mut self, report: GuardReport, desk: &mut Desk<'_>) {
        match (self.phase, report) {
            (Phase::Arming, GuardReport::Ready { proof, session, contained }) => {
                desk.nonces.seed(session);
                self.armed = Some(Armed { id: session, proof, contained });
                self.phase = Phase::Beginning;
                self.write_from(desk.now);
                if let Some(quorum) = &mut self.quorum {
                    quorum.begin();
                }
            }
            (_, GuardReport::Failed(why)) => {
                self.phase = Phase::Gone;
                desk.out.push(Action::Exit(Exit::NoGuard(why)));
            }
            (Phase::Leaving, GuardReport::Proven(_) | GuardReport::Lost) => {
                self.phase = Phase::Ending { until: desk.now + desk.config.timing.ttl() };
                self.write_from(desk.now);
            }
            (_, GuardReport::Proven(proof)) => {
                self.proofs = alloc::vec![proof];
                self.begin_anew(desk);
            }
            (_, GuardReport::Lost) => self.begin_anew(desk),
            // A guard that comes up too late for the session it was meant for.
            (_, GuardReport::Ready { .. }) => desk.out.push(Action::Guard(GuardCommand::End)),
        }
    }

    /// The guard is gone, and with it the session (D2).
    pub(super) fn begin_anew(&mut self, desk: &mut Desk<'_>) {
        match self.phase {
            Phase::Alive | Phase::Arming | Phase::Beginning => self.over(Demise::GuardGone, "its guard is gone", desk),
            Phase::Joining | Phase::Waiting | Phase::Over | Phase::Leaving | Phase::Ending { .. } | Phase::Gone => {}
        }
        if self.phase == Phase::Over {
            self.phase = Phase::Joining;
            self.old = None;
            self.id = None;
            desk.look = true;
        }
    }

    /// Somebody relays a guard's word: perhaps that of this node's old guard.
    pub(crate) fn proof(&mut self, proof: Proof, desk: &mut Desk<'_>) {
        if matches!(self.phase, Phase::Joining | Phase::Waiting) && !self.proofs.contains(&proof) {
            if self.proofs.len() == PROOFS_MAX {
                self.proofs.remove(0);
            }
            self.proofs.push(proof);
            desk.look = true;
        }
    }
}
