//! This node's own session: how it begins, is renewed, and is over.
//!
//! ```text
//!  Joining ──old session ended, proven or silent──> Arming ──guard ready──> Beginning ──applied──> Alive
//!     │ alive                                          ^                        │ moved                │
//!     └──────> Waiting ───its guard's word, silence────┘                        │     deadline passed, │
//!     ^                                                                         v     or refused       v
//!     └───────────────────────────── everything proven dead ───────────────────────────────────────  Over
//!
//!  Alive ──stop, all groups idle──> Leaving ──everything proven dead──> Ending ──released──> Gone
//! ```
//!
//! A lapsed session is over, for good: it acts no more, sends no more renewals, and the node begins a new
//! one. There is no way back from `Over` to `Alive`.

mod beginning;
mod lapse;
mod quorum;

use alloc::string::String;
use alloc::vec::Vec;

use crate::demise::Demise;
use crate::desk::Desk;
use crate::id::{NodeName, Nonce, SessionId, Version};
use crate::message::{Action, Event, Exit, GuardCommand, Outcome, Ticket};
use crate::mutant::Mutant;
use crate::observe::Observed;
use crate::proof::{Proof, ProofHash};
use crate::record::{Key, Member, Record, SessionRecord, SessionState};
use crate::register::{Register, Settled};
use crate::time::Instant;
use crate::timing::Timing;
use quorum::Quorum;

/// A record that moves this often while we wait is renewed by somebody alive. One move could be a
/// dead agent's last write landing late.
const MOVES_OF_THE_LIVING: u32 = 2;
/// Guards' words kept while we wait for one about our own earlier session; the oldest goes first.
const PROOFS_MAX: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Joining,
    Waiting,
    Arming,
    Beginning,
    Alive,
    Over,
    Leaving,
    Ending { until: Instant },
    Gone,
}

/// What the guard told at its start.
#[derive(Clone, Debug)]
struct Armed {
    id: Nonce,
    proof: ProofHash,
    contained: String,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) phase: Phase,
    /// Nothing speaks against this node's coming in; once and for all.
    pub(crate) admitted: bool,
    register: Register<SessionRecord>,
    /// The node's earlier session, watched until it is known to be ended.
    old: Option<Observed>,
    armed: Option<Armed>,
    proofs: Vec<Proof>,
    pub(crate) id: Option<SessionId>,
    pub(crate) began: Instant,
    lease_until: Instant,
    /// When the newest acknowledged renewal was sent.
    pub(crate) renewed: Instant,
    renew_at: Instant,
    /// When a renewal was tried last.
    tried: Instant,
    /// Why this node's last session ended, where that is known.
    pub(crate) demise: Option<Demise>,
    /// A refused write: only a look can tell what stands there now.
    blind: bool,
    /// Where voters keep the lease: what they have acknowledged. The record is written for news alone then.
    quorum: Option<Quorum>,
}

impl Session {
    pub(crate) fn new(voters: bool) -> Self {
        Self {
            quorum: voters.then(Quorum::default),
            phase: Phase::Joining,
            admitted: false,
            register: Register::new(),
            old: None,
            armed: None,
            proofs: Vec::new(),
            id: None,
            began: Instant::from_nanos(0),
            lease_until: Instant::from_nanos(0),
            renewed: Instant::from_nanos(0),
            renew_at: Instant::from_nanos(0),
            tried: Instant::from_nanos(0),
            demise: None,
            blind: false,
        }
    }

    /// Whether this node may act: alive, and its lease has not run out.
    pub(crate) fn leased(&self, now: Instant) -> bool {
        self.phase == Phase::Alive && now < self.lease_until
    }

    /// Whether the lease has at least half of its time to go.
    pub(crate) fn fresh(&self, now: Instant, timing: &Timing) -> bool {
        self.leased(now) && self.lease_until.since(now) * 2 >= timing.lease()
    }

    pub(crate) fn lease_until(&self) -> Option<Instant> {
        (self.phase == Phase::Alive).then_some(self.lease_until)
    }

    pub(crate) fn record(&self) -> Option<&SessionRecord> {
        self.register.body()
    }

    pub(crate) fn wake_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Alive => [self.write_at(), self.renewal_at(), Some(self.lease_until)].into_iter().flatten().min(),
            Phase::Beginning => [self.write_at(), self.renewal_at()].into_iter().flatten().min(),
            Phase::Ending { until } => Some(self.write_at().map_or(until, |at| at.min(until))),
            Phase::Joining | Phase::Waiting | Phase::Arming | Phase::Over | Phase::Leaving | Phase::Gone => None,
        }
    }

    /// When the next write may be sent; `None` while an answer, or a look after a refusal, is awaited.
    fn write_at(&self) -> Option<Instant> {
        let due = self.quorum.as_ref().map_or(Some(self.renew_at), |quorum| quorum.write_at);
        due.filter(|_| self.register.free() && !self.blind && !self.unheard())
    }

    /// Sends the record not before then.
    fn write_from(&mut self, at: Instant) {
        match &mut self.quorum {
            Some(quorum) => quorum.write_at = Some(at),
            None => self.renew_at = at,
        }
    }

    /// Takes what a look says of this node's own record.
    pub(crate) fn looked(
        &mut self,
        began: Instant,
        found: Option<&(Version, Result<Record, String>)>,
        desk: &mut Desk<'_>,
    ) {
        self.blind = false;
        if let Some((version, Ok(Record::Session(record)))) = found {
            let settled = self.register.looked(desk.now, *version, record);
            self.settle(settled, true, desk);
        }
        match self.phase {
            Phase::Joining | Phase::Waiting => {
                let read = found.map(|(version, record)| (*version, own_record(record)));
                self.look_at_the_old(began, read, desk);
            }
            Phase::Arming
            | Phase::Beginning
            | Phase::Alive
            | Phase::Over
            | Phase::Leaving
            | Phase::Ending { .. }
            | Phase::Gone => {}
        }
    }

    pub(crate) fn awaits(&self, ticket: Ticket) -> bool {
        self.register.awaits(ticket)
    }

    pub(crate) fn written(&mut self, ticket: Ticket, outcome: Outcome, desk: &mut Desk<'_>) {
        let rules = desk.config.rules;
        let unanswered = outcome == Outcome::Unknown;
        if (unanswered && rules.breaks(Mutant::UnknownRenewalApplied) || rules.breaks(Mutant::RenewalExtendedOnError))
            && self.phase == Phase::Alive
            && !matches!(outcome, Outcome::Applied(_))
        {
            self.extend(desk.now, desk);
        }
        if matches!(outcome, Outcome::Refused | Outcome::Unknown) {
            self.blind = outcome == Outcome::Refused;
            // At once after a time-out; never faster than a quarter of the renewal interval.
            self.write_from(desk.now + desk.config.timing.renewal() / 4);
            desk.look = true;
        }
        let settled = self.register.written(desk.now, ticket, outcome);
        self.settle(settled, false, desk);
    }

    fn settle(&mut self, settled: Settled<SessionRecord>, by_look: bool, desk: &mut Desk<'_>) {
        let rules = desk.config.rules;
        match (settled, self.phase) {
            (Settled::Nothing, _) => {}
            (Settled::Applied(_), Phase::Beginning | Phase::Alive) if self.quorum.is_some() => self.logged(desk),
            (Settled::Applied(applied), Phase::Beginning | Phase::Alive) => {
                let late = (rules.breaks(Mutant::DeadlineFromReply) && !by_look)
                    || (rules.breaks(Mutant::SettledRenewalFromNow) && by_look);
                let sent = if late { desk.now } else { applied.sent };
                if self.phase == Phase::Beginning {
                    self.begin(&applied.record, desk);
                }
                self.extend(sent, desk);
                // Acknowledged so late that its lease is over already: it must not even renew.
                self.lapse(desk);
            }
            (Settled::Moved, Phase::Alive) => self.refused(desk),
            // Perhaps others began here, perhaps ours began and was ended before we knew. One guard serves one
            // session (D2): this one is not used again.
            (Settled::Moved, Phase::Beginning) => self.over(Demise::Refused, "the record moved while it began", desk),
            (
                Settled::Applied(_) | Settled::Moved,
                // Ending: it is over when the record says so, see `advance`; this may be a last renewal.
                Phase::Joining
                | Phase::Waiting
                | Phase::Arming
                | Phase::Over
                | Phase::Leaving
                | Phase::Ending { .. }
                | Phase::Gone,
            ) => {}
        }
    }

    fn begin(&mut self, record: &SessionRecord, desk: &mut Desk<'_>) {
        self.phase = Phase::Alive;
        self.id = Some(record.session);
        self.began = desk.now;
        self.proofs.clear();
        self.old = None;
        desk.out.push(Action::Tell(Event::SessionBegan(record.session)));
    }

    fn extend(&mut self, sent: Instant, desk: &mut Desk<'_>) {
        let timing = &desk.config.timing;
        let lease = if desk.config.rules.breaks(Mutant::NoMarginOnLeader) { timing.ttl() } else { timing.lease() };
        self.renewed = self.renewed.max(sent);
        if sent + lease > self.lease_until {
            self.lease_until = sent + lease;
            desk.out.push(Action::Guard(GuardCommand::Deadline(self.lease_until)));
        }
    }

    pub(crate) fn leave(&mut self, desk: &mut Desk<'_>) {
        match self.phase {
            Phase::Alive | Phase::Arming | Phase::Beginning => {
                desk.out.push(Action::Guard(GuardCommand::End));
                self.phase = Phase::Leaving;
            }
            Phase::Over => self.phase = Phase::Leaving,
            Phase::Joining | Phase::Waiting => self.exit(desk),
            Phase::Leaving | Phase::Ending { .. } | Phase::Gone => {}
        }
    }

    fn exit(&mut self, desk: &mut Desk<'_>) {
        self.phase = Phase::Gone;
        desk.out.push(Action::Exit(Exit::Stopped));
    }

    /// Publish at once, as when a member's state has changed.
    pub(crate) fn hurry(&mut self, now: Instant) {
        match &mut self.quorum {
            Some(quorum) => quorum.write_at = Some(quorum.write_at.map_or(now, |at| at.min(now))),
            None => self.renew_at = self.renew_at.min(now),
        }
    }

    /// Sends what is due.
    pub(crate) fn advance(&mut self, members: impl Fn() -> Vec<(crate::GroupId, Member)>, desk: &mut Desk<'_>) {
        if let Phase::Ending { until } = self.phase
            && (desk.now >= until || self.standing().is_none())
        {
            return self.exit(desk);
        }
        self.renew(desk);
        let due = self.write_at().is_some_and(|at| desk.now >= at);
        let sends = matches!(self.phase, Phase::Beginning | Phase::Alive | Phase::Ending { .. });
        if due && sends {
            self.write(members(), desk);
        }
    }

    /// Our session, if the store still takes it for alive. What stands there may be that of a twin, which lives.
    fn standing(&self) -> Option<&SessionRecord> {
        let mine = |session: SessionId| {
            Some(session) == self.id || self.armed.as_ref().is_some_and(|armed| armed.id == session.id)
        };
        self.register.body().filter(|record| record.state == SessionState::Alive && mine(record.session))
    }

    fn write(&mut self, members: Vec<(crate::GroupId, Member)>, desk: &mut Desk<'_>) {
        let Some(record) = self.next_record(members, desk) else { return };
        self.tried = desk.now;
        match &mut self.quorum {
            Some(quorum) => quorum.write_at = None,
            None => self.renew_at = desk.now + desk.config.timing.renewal(),
        }
        desk.send(Key::Session(desk.config.name.clone()), &mut self.register, record, Record::Session);
    }

    fn next_record(&self, members: Vec<(crate::GroupId, Member)>, desk: &mut Desk<'_>) -> Option<SessionRecord> {
        let last = self.register.body();
        if let Phase::Ending { .. } = self.phase {
            let mut record = self.standing()?.clone();
            record.nonce = desk.nonce();
            record.state = SessionState::Released;
            return Some(record);
        }
        let armed = self.armed.as_ref()?;
        let beginning = self.phase == Phase::Beginning;
        let ordinal = last.map_or(0, |record| record.session.ordinal) + u64::from(beginning);
        let id = if beginning { SessionId { ordinal, id: armed.id } } else { self.id? };
        let config = desk.config;
        let seq = last.map_or(0, |record| record.seq) + 1;
        let fixed = Nonce(armed.id.0);
        let reused = config.rules.breaks(Mutant::NonceReused);
        Some(SessionRecord {
            nonce: if reused { fixed } else { desk.nonce() },
            node: config.name.clone(),
            session: id,
            seq: if beginning { 1 } else { seq },
            state: SessionState::Alive,
            promise: config.timing.promise(),
            proof: armed.proof,
            address: config.address.clone(),
            version: config.version.clone(),
            region: config.region.clone(),
            contained: armed.contained.clone(),
            members: members.into_iter().collect(),
            seen: self.quorum.as_ref().and_then(Quorum::seen),
            grounds: None,
            demise: None,
            before: self.demise,
        })
    }
}

fn own_record(record: &Result<Record, String>) -> Result<SessionRecord, String> {
    match record {
        Ok(Record::Session(record)) => Ok(record.clone()),
        Ok(Record::Group(_) | Record::Orders(_) | Record::Voters(_)) => {
            Err(String::from("another record stands in a session's place"))
        }
        Err(why) => Err(why.clone()),
    }
}

/// D6: the proof is the preimage.
pub(crate) fn proves(proof: &Proof, record: &SessionRecord) -> bool {
    record.session.id == proof.session && proof.secret.hash() == record.proof
}

/// Reads a session record of a node out of a look.
pub(crate) fn session_of(node: &NodeName, record: &Result<Record, String>) -> Result<SessionRecord, String> {
    let record = own_record(record)?;
    if record.node == *node { Ok(record) } else { Err(alloc::format!("it names the node {}", record.node)) }
}
