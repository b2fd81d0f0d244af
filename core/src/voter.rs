//! This node as a voter: it acknowledges renewals, and promises to end what has gone silent.
//!
//! ```text
//!                    heard                       asked to promise, silent for ttl·(1+ε)
//!  (unknown) ──────> hearing ──┐ heard                 │
//!                       ^──────┘                       v
//!                       └────────────────────────> promising ──on the disk──> promised ──ended in the log──> forgotten
//!                                                  acknowledges it no more, ever
//! ```
//!
//! A promise is irrevocable, and is on the disk before it is given (B2). Silence counts from this process's own start
//! at the earliest, and not across a moment in which the process itself stood still (B8). Until the log's state is
//! known after a start it says nothing: what it may have forgotten of its promises stands there.
//! It never looks at a wall clock and never ends a session: the log does.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::id::{NodeName, SessionId, VoterId};
use crate::message::Action;
use crate::mutant::{Mutant, Rules};
use crate::quorum::{Answer, Renewal, VoterConfig};
use crate::record::{SessionRecord, SessionState};
use crate::time::Instant;
use crate::timing::Timing;

/// Who waits at most for one promise to reach the disk; the others ask again.
const WAITING_MAX: usize = 32;

/// Promises on their way to the disk.
#[derive(Clone, Debug)]
struct Keeping {
    number: u64,
    promises: BTreeSet<SessionId>,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Voter {
    /// Binding from the moment they are made, whether on the disk or not.
    promises: BTreeSet<SessionId>,
    /// Those that are on the disk.
    kept: BTreeSet<SessionId>,
    keeping: Option<Keeping>,
    waiting: Vec<(VoterId, SessionId)>,
    numbers: u64,
    heard: BTreeMap<NodeName, (SessionId, Instant)>,
    /// Silence counts from here: this process's start.
    started: Option<Instant>,
    stepped: Instant,
    /// What lay in the sockets while the process stood still has been read by now.
    drained: Instant,
    /// The log's state has been seen since the start.
    informed: bool,
}

impl Voter {
    pub(crate) fn new(config: &VoterConfig) -> Self {
        Self {
            promises: config.promises.clone(),
            kept: config.promises.clone(),
            keeping: None,
            waiting: Vec::new(),
            numbers: 0,
            heard: BTreeMap::new(),
            started: None,
            stepped: Instant::from_nanos(0),
            drained: Instant::from_nanos(0),
            informed: false,
        }
    }

    /// Notes that this process runs now. Comes first in every step.
    pub(crate) fn runs(&mut self, now: Instant, timing: &Timing) {
        if self.started.is_none() {
            self.started = Some(now);
        } else if now.since(self.stepped) >= standstill(timing) {
            self.drained = now + timing.renewal();
        }
        self.stepped = now;
    }

    /// When it should run again at the latest, so that a step late means that the process stood still.
    pub(crate) fn wake_at(&self, timing: &Timing) -> Instant {
        self.stepped + standstill(timing) / 2
    }

    /// The log's state has been seen: promises whose sessions are ended there are not needed any more.
    pub(crate) fn informed<'a>(&mut self, ended: impl Fn(&SessionId) -> bool + 'a) {
        self.informed = true;
        if self.keeping.is_none() {
            self.promises.retain(|session| !ended(session));
        }
    }

    /// Takes a renewal; `None` is silence. `known` is what the log says of the node.
    pub(crate) fn renewal(
        &mut self,
        now: Instant,
        rules: Rules,
        renewal: &Renewal,
        known: Option<&SessionRecord>,
    ) -> Option<Answer> {
        let promised = self.promises.contains(&renewal.session) && !rules.breaks(Mutant::AckAfterPromise);
        if promised || known.is_some_and(|known| over(known, renewal.session)) {
            return Some(Answer::Refused(renewal.session));
        }
        if !self.informed {
            return None;
        }
        // A late renewal of an earlier session must not hide that a later one was heard: it would seem silent.
        if self.heard.get(&renewal.node).is_some_and(|(heard, _)| heard.ordinal > renewal.session.ordinal) {
            return None;
        }
        self.heard.insert(renewal.node.clone(), (renewal.session, now));
        Some(Answer::Heard(renewal.session, renewal.seq))
    }

    /// Whether it would promise to end this session now, or how long not; `None` if it cannot tell.
    pub(crate) fn would(
        &self,
        now: Instant,
        rules: Rules,
        node: &NodeName,
        session: SessionId,
        known: Option<&SessionRecord>,
    ) -> Option<Result<(), Duration>> {
        if self.promises.contains(&session) {
            return Some(Ok(()));
        }
        // A7: the ttl is the record's. A session that the log here does not show yet is not ours to judge.
        let record = known?;
        let started = self.started.filter(|_| self.informed)?;
        if record.session != session || record.state != SessionState::Alive {
            return None;
        }
        let silence = if rules.breaks(Mutant::NoMarginOnVoter) {
            Duration::from_nanos(record.promise.ttl_ns)
        } else {
            record.promise.silence()
        };
        let heard = self.heard.get(node).filter(|(heard, _)| *heard == session).map(|(_, at)| *at);
        let restart = if rules.breaks(Mutant::NoWaitAfterRestart) { Instant::from_nanos(0) } else { started + silence };
        let drained = if rules.breaks(Mutant::NoDrainAfterThaw) { Instant::from_nanos(0) } else { self.drained };
        let from = heard.map_or(restart, |heard| (heard + silence).max(restart)).max(drained);
        Some(if now >= from { Ok(()) } else { Err(from.since(now)) })
    }

    /// Promises, if it would. The answer comes once the promise is on the disk.
    pub(crate) fn promise(&mut self, rules: Rules, asker: VoterId, session: SessionId, out: &mut Vec<Action>) {
        self.promises.insert(session);
        if self.kept.contains(&session) || rules.breaks(Mutant::VolatilePromise) {
            out.push(Action::Answer(asker, Answer::Promised(session)));
            return;
        }
        if self.waiting.len() < WAITING_MAX && !self.waiting.contains(&(asker, session)) {
            self.waiting.push((asker, session));
        }
        self.keep(out);
    }

    fn keep(&mut self, out: &mut Vec<Action>) {
        if self.keeping.is_none() {
            self.numbers += 1;
            self.keeping = Some(Keeping { number: self.numbers, promises: self.promises.clone() });
            out.push(Action::Keep(self.numbers, self.promises.clone()));
        }
    }

    /// The disk has taken the promises of that number, or has not: then they bind, but nobody is told.
    pub(crate) fn kept(&mut self, number: u64, result: Result<(), String>, out: &mut Vec<Action>) {
        let Some(keeping) = self.keeping.take_if(|keeping| keeping.number == number) else { return };
        if result.is_err() {
            self.waiting.clear();
            return;
        }
        self.kept = keeping.promises;
        let kept = &self.kept;
        self.waiting.retain(|(asker, session)| {
            let waits = !kept.contains(session);
            if !waits {
                out.push(Action::Answer(*asker, Answer::Promised(*session)));
            }
            waits
        });
        if !self.waiting.is_empty() {
            self.keep(out);
        }
    }
}

/// Not having run for so long counts as having stood still. Shorter than ttl·ε + ttl − a few renewals, so that no
/// silence can be made of it; longer than a busy machine makes us wait.
fn standstill(timing: &Timing) -> Duration {
    timing.ttl() / 2
}

/// Whether the log says that this session of the node is ended, or was replaced by a later one (A4).
fn over(known: &SessionRecord, session: SessionId) -> bool {
    known.session.ordinal > session.ordinal || (known.session == session && known.state != SessionState::Alive)
}
