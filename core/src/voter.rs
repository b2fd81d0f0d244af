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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Nonce;
    use crate::proof::ProofHash;

    const TTL: u64 = 500;

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    fn session(ordinal: u64) -> SessionId {
        SessionId { ordinal, id: Nonce(u128::from(ordinal)) }
    }

    fn node() -> NodeName {
        NodeName::new("n1").expect("a plain name")
    }

    fn record(ordinal: u64, state: SessionState) -> SessionRecord {
        SessionRecord {
            nonce: Nonce(0),
            node: node(),
            session: session(ordinal),
            seq: 1,
            state,
            promise: Timing::FAST.promise(),
            proof: ProofHash([0; 32]),
            address: String::new(),
            version: String::new(),
            region: String::new(),
            contained: String::new(),
            members: BTreeMap::new(),
            seen: Some(1),
            grounds: None,
            demise: None,
            before: None,
        }
    }

    /// A voter that has run, without a break, since 0 and knows the log's state.
    fn running(until: u64, promises: &[SessionId]) -> Voter {
        let mut voter = Voter::new(&VoterConfig { promises: promises.iter().copied().collect() });
        for ms in (0..=until).step_by(100) {
            voter.runs(at(ms), &Timing::FAST);
        }
        voter.informed(|_| false);
        voter
    }

    fn hear(voter: &mut Voter, ms: u64, ordinal: u64, known: &SessionRecord) -> Option<Answer> {
        let renewal = Renewal { node: node(), session: session(ordinal), seq: 7 };
        voter.renewal(at(ms), Rules::default(), &renewal, Some(known))
    }

    fn would(voter: &Voter, ms: u64, known: &SessionRecord) -> Option<Result<(), Duration>> {
        voter.would(at(ms), Rules::default(), &node(), known.session, Some(known))
    }

    #[test]
    fn it_waits_for_a_whole_silence_from_its_start_and_from_what_it_heard() {
        let alive = record(1, SessionState::Alive);
        let silence = TTL * 11 / 10;
        let mut voter = running(2000, &[]);
        assert_eq!(would(&voter, silence - 1, &alive), Some(Err(Duration::from_millis(1))), "it may have forgotten");
        assert_eq!(would(&voter, silence, &alive), Some(Ok(())));
        assert_eq!(hear(&mut voter, 2000, 1, &alive), Some(Answer::Heard(session(1), 7)));
        assert_eq!(would(&voter, 2000 + silence - 1, &alive), Some(Err(Duration::from_millis(1))));
        assert_eq!(would(&voter, 2000 + silence, &alive), Some(Ok(())));
    }

    #[test]
    fn it_says_nothing_before_it_knows_the_log() {
        let alive = record(1, SessionState::Alive);
        let mut voter = Voter::new(&VoterConfig::default());
        voter.runs(at(0), &Timing::FAST);
        assert_eq!(hear(&mut voter, 1, 1, &alive), None);
        assert_eq!(would(&voter, 9999, &alive), None);
    }

    #[test]
    fn a_process_that_stood_still_reads_its_sockets_first() {
        let alive = record(1, SessionState::Alive);
        let mut voter = running(1000, &[]);
        voter.runs(at(5000), &Timing::FAST);
        assert_eq!(would(&voter, 5000, &alive), Some(Err(Timing::FAST.renewal())));
        let drained = at(5000) + Timing::FAST.renewal();
        assert_eq!(voter.would(drained, Rules::default(), &node(), session(1), Some(&alive)), Some(Ok(())));
    }

    #[test]
    fn a_promise_is_told_only_when_it_is_on_the_disk_and_binds_at_once() {
        let alive = record(1, SessionState::Alive);
        let mut voter = running(1000, &[]);
        let mut out = Vec::new();
        voter.promise(Rules::default(), VoterId(9), session(1), &mut out);
        assert!(matches!(&out[..], [Action::Keep(1, kept)] if kept.contains(&session(1))), "{out:?}");
        assert_eq!(hear(&mut voter, 1001, 1, &alive), Some(Answer::Refused(session(1))));
        out.clear();
        voter.kept(1, Ok(()), &mut out);
        assert!(matches!(out[..], [Action::Answer(VoterId(9), Answer::Promised(_))]), "{out:?}");
        out.clear();
        voter.promise(Rules::default(), VoterId(8), session(1), &mut out);
        assert!(matches!(out[..], [Action::Answer(VoterId(8), Answer::Promised(_))]), "at once: {out:?}");
    }

    #[test]
    fn a_disk_that_fails_tells_nobody_and_is_asked_again() {
        let mut voter = running(1000, &[]);
        let mut out = Vec::new();
        voter.promise(Rules::default(), VoterId(9), session(1), &mut out);
        out.clear();
        voter.kept(1, Err(String::from("no space left")), &mut out);
        assert!(out.is_empty(), "{out:?}");
        voter.promise(Rules::default(), VoterId(9), session(1), &mut out);
        assert!(matches!(out[..], [Action::Keep(2, _)]), "{out:?}");
        out.clear();
        voter.kept(1, Ok(()), &mut out);
        assert!(out.is_empty(), "an answer to an earlier write is none to this one: {out:?}");
    }

    #[test]
    fn promises_outlive_a_restart_and_are_forgotten_when_the_log_has_ended_the_session() {
        let alive = record(1, SessionState::Alive);
        let mut voter = running(1000, &[session(1)]);
        assert_eq!(hear(&mut voter, 1001, 1, &alive), Some(Answer::Refused(session(1))));
        voter.informed(|_| true);
        assert!(voter.promises.is_empty());
        let ended = record(1, SessionState::Expired);
        assert_eq!(hear(&mut voter, 1002, 1, &ended), Some(Answer::Refused(session(1))), "the log says so now");
    }

    #[test]
    fn a_late_renewal_of_an_earlier_session_hides_no_later_one() {
        let (old, new) = (record(1, SessionState::Alive), record(2, SessionState::Alive));
        let mut voter = running(1000, &[]);
        assert!(hear(&mut voter, 1000, 2, &old).is_some(), "its copy of the log lags");
        assert_eq!(hear(&mut voter, 1010, 1, &old), None);
        assert!(matches!(would(&voter, 1020, &new), Some(Err(_))), "it was heard 20 ms ago");
    }
}
