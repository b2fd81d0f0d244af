//! One group on this node: the way to its leadership and back.
//!
//! ```text
//!            vacant, my turn         acknowledged            service ready
//!   Standby ────────────────> Claiming ────────> Promoting ───────────────> Leading
//!      ^                         │ others won        ^  │                    │   │
//!      │ <───────────────────────┘                   │  │ keeps failing      │   │ service failed,
//!      │                                             │  │                    │   │ nobody better
//!      │                                             └──┼────────────────────┼───┘
//!      │        settled                stepped down     v                    v switchover, stop, failed
//!      └────────────────── Releasing <───────────── Demoting <──────────────-┘
//!
//!   anything ── the session is over ──> Standby (the guard has killed the service)
//! ```
//!
//! A claim is a compare-and-swap over no leader, or over a session that is *ended in the store*; it never
//! asks a clock. The release is sent only after the service was seen to have stepped down.

use alloc::string::{String, ToString};
use core::time::Duration;

use crate::desk::{Desk, Post};
use crate::election::{Candidate, order};
use crate::id::{Epoch, GroupId, NodeName, Version};
use crate::message::{Action, Event, GuardCommand, Outcome, Reason, RequestError, ServiceInput, Ticket};
use crate::mode::{Mode, OnExit, Standby};
use crate::mutant::Mutant;
use crate::observe::Hold;
use crate::record::{GroupRecord, Key, Leader, Member, MemberState, Record, SessionState};
use crate::register::{Register, Settled};
use crate::roster::Roster;
use crate::service::{Failure, Role, Service, ServiceConfig, Told};
use crate::time::Instant;

/// What a group is on this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// The HA id.
    pub id: GroupId,
    /// What its members do; the same on all.
    pub role: String,
    /// How this node takes part.
    pub mode: Mode,
    /// Higher wins.
    pub priority: i64,
    /// The service.
    pub service: ServiceConfig,
    /// Where this node's service answers, `host:port`.
    pub address: Option<String>,
}

/// Where this node stands in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seat {
    /// Does not lead.
    Standby,
    /// A claim of this epoch is not settled.
    Claiming(Epoch),
    /// Leads; the service is not ready yet, or is being restarted.
    Promoting(Epoch),
    /// Leads, the service is ready, everybody may know.
    Leading(Epoch),
    /// Leads; the service steps down.
    Demoting(Epoch),
    /// The service has stepped down; the release of this epoch is not settled (A2).
    Releasing(Epoch),
}

impl Seat {
    /// The epoch this node holds, if it holds one.
    #[must_use]
    pub const fn epoch(&self) -> Option<Epoch> {
        match self {
            Self::Standby | Self::Claiming(_) => None,
            Self::Promoting(epoch) | Self::Leading(epoch) | Self::Demoting(epoch) | Self::Releasing(epoch) => {
                Some(*epoch)
            }
        }
    }
}

/// Why and to whom a leadership is given up.
#[derive(Clone, Debug)]
struct Parting {
    reason: Reason,
    next: Option<NodeName>,
    avoid: bool,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) config: GroupConfig,
    pub(crate) seat: Seat,
    register: Register<GroupRecord>,
    pub(crate) service: Service,
    /// Since when nobody holds the present version of the record, and why.
    vacant: Option<(Instant, Reason)>,
    parting: Option<Parting>,
    announced: Option<Epoch>,
    /// A write was refused: only a look can tell what stands there now.
    blind: bool,
    damaged: bool,
    known: bool,
    retry_at: Instant,
}

impl Group {
    pub(crate) fn new(config: GroupConfig) -> Self {
        Self {
            service: Service::new(config.id.clone(), config.service),
            config,
            seat: Seat::Standby,
            register: Register::new(),
            vacant: None,
            parting: None,
            announced: None,
            blind: false,
            damaged: false,
            known: false,
            retry_at: Instant::from_nanos(0),
        }
    }

    /// Takes new settings; what runs keeps running, and the next start uses them.
    pub(crate) fn reconfigure(&mut self, config: GroupConfig) {
        self.service.config = config.service;
        self.config = config;
    }

    fn key(&self) -> Key {
        Key::Group(self.config.id.clone())
    }

    pub(crate) fn record(&self) -> Option<&GroupRecord> {
        self.register.body()
    }

    pub(crate) fn version(&self) -> Version {
        self.register.version()
    }

    /// Nothing of this group runs or is held here.
    pub(crate) fn idle(&self) -> bool {
        self.seat == Seat::Standby && self.service.stopped()
    }

    /// Takes what a look says of this group's record.
    pub(crate) fn looked(&mut self, found: Option<&(Version, Result<Record, String>)>, desk: &mut Desk<'_>) {
        self.blind = false;
        self.known = true;
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

    fn learn(&mut self, version: Version, record: &GroupRecord, desk: &mut Desk<'_>) {
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
    fn report(&self, before: Option<&GroupRecord>, desk: &mut Desk<'_>) {
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
    fn forget_release(&mut self, outcome: Outcome, desk: &Post<'_>) {
        if let (Seat::Releasing(epoch), Outcome::Unknown) = (&self.seat, outcome)
            && desk.config.rules.breaks(Mutant::UnknownReleaseRefused)
        {
            self.seat = Seat::Promoting(*epoch);
        }
    }

    /// Moves on what is now known of our writes.
    fn settle(&mut self, settled: Settled<GroupRecord>, desk: &mut Desk<'_>) {
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

    fn released(&self) -> bool {
        self.register.body().is_none_or(|record| record.leader.is_none())
    }

    fn mine(&self, desk: &Post<'_>) -> bool {
        let leader = self.register.body().and_then(|record| record.leader.as_ref());
        leader.is_some_and(|leader| leader.node == desk.config.name && Some(leader.session) == desk.session)
    }

    fn stand_by(&mut self) {
        self.seat = Seat::Standby;
        self.parting = None;
        self.service.want(None);
    }

    /// The session is over: the guard has killed, or is killing, the service.
    pub(crate) fn over(&mut self, desk: &mut Desk<'_>) {
        self.withdraw(desk);
        self.seat = Seat::Standby;
        self.parting = None;
        self.register.abandon();
        self.service.forget();
        self.vacant = None;
    }

    fn withdraw(&mut self, desk: &mut Desk<'_>) {
        if let Some(epoch) = self.announced.take() {
            desk.out.push(Action::Withdraw(self.config.id.clone(), epoch));
        }
    }

    pub(crate) fn service_input(&mut self, run: u64, input: ServiceInput, desk: &mut Desk<'_>) {
        self.service.take(desk.now, run, input, desk.out);
    }

    /// A planned change: checked here, carried out by `advance`.
    pub(crate) fn switch_over(
        &mut self,
        to: Option<NodeName>,
        roster: &Roster<'_>,
        desk: &mut Desk<'_>,
    ) -> Result<(), RequestError> {
        let epoch = match self.seat {
            Seat::Leading(epoch) | Seat::Promoting(epoch) => epoch,
            Seat::Demoting(_) | Seat::Releasing(_) | Seat::Claiming(_) => return Err(RequestError::Busy),
            Seat::Standby => return Err(RequestError::NotLeader(self.leader().cloned())),
        };
        let next = match to {
            Some(to) => roster.able(&to, &self.config.id).map(|()| to),
            None => match roster.best(&self.config.id, None) {
                Some(best) => Ok(best),
                None => Err(String::from("no other member of the group can take over")),
            },
        };
        let next = next.map_err(RequestError::BadTarget)?;
        self.demote(epoch, Parting { reason: Reason::Switchover, next: Some(next), avoid: true }, desk);
        Ok(())
    }

    fn leader(&self) -> Option<&NodeName> {
        self.register.body().and_then(|record| record.leader.as_ref()).map(|leader| &leader.node)
    }

    fn demote(&mut self, epoch: Epoch, parting: Parting, desk: &mut Desk<'_>) {
        self.withdraw(desk);
        desk.out.push(Action::Tell(Event::Demoting(self.config.id.clone(), epoch, parting.reason.clone())));
        self.parting = Some(parting);
        self.seat = Seat::Demoting(epoch);
    }

    /// What the service should be while this node does not lead.
    fn resting(&self, desk: &Post<'_>) -> Option<Role> {
        let hot = self.config.service.standby == Standby::Hot;
        let runs = match self.config.mode {
            Mode::Auto | Mode::Leader | Mode::Standby => hot,
            Mode::HotStandby | Mode::Backup => true,
            Mode::Disabled => false,
        };
        (runs && !desk.stopping && desk.session.is_some()).then_some(Role::Standby)
    }

    /// Does what is due.
    pub(crate) fn advance(&mut self, roster: &Roster<'_>, desk: &mut Desk<'_>) {
        self.heed_service(roster, desk);
        self.judge_vacancy(roster, desk);
        match self.seat.clone() {
            Seat::Standby => {
                self.service.want(self.resting(desk));
                if self.claim_at(roster, desk).is_some_and(|at| desk.now >= at) {
                    self.claim(desk);
                }
            }
            Seat::Claiming(epoch) => {
                if self.may_write(desk) {
                    self.send_claim(epoch, desk);
                }
            }
            Seat::Promoting(epoch) | Seat::Leading(epoch) => {
                self.service.want(Some(Role::Leader(epoch)));
                if desk.stopping {
                    let next = roster.best(&self.config.id, None);
                    self.demote(epoch, Parting { reason: Reason::Stopped, next, avoid: true }, desk);
                } else {
                    self.publish(desk);
                }
            }
            Seat::Demoting(_) | Seat::Releasing(_) => {}
        }
        if let Seat::Demoting(epoch) | Seat::Releasing(epoch) = self.seat {
            self.step_down(epoch, desk);
        }
        self.service.advance(desk.now, desk.out);
    }

    /// Service first, release after.
    fn step_down(&mut self, epoch: Epoch, desk: &mut Desk<'_>) {
        self.service.want(self.resting(desk));
        let rushed = desk.config.rules.breaks(Mutant::ReleaseBeforeStop);
        // Once stepped down it may die or restart as a standby; the release is sent until it is settled all the same.
        let releasing = matches!(self.seat, Seat::Releasing(_));
        if releasing || self.service.stepped_down() || rushed {
            self.seat = Seat::Releasing(epoch);
            if self.may_write(desk) {
                self.send_release(epoch, desk);
            }
        }
    }

    fn heed_service(&mut self, roster: &Roster<'_>, desk: &mut Desk<'_>) {
        for told in self.service.take_told() {
            match (told, self.seat.clone()) {
                (Told::Ready(Role::Leader(ready)), Seat::Promoting(epoch)) if ready == epoch => {
                    self.seat = Seat::Leading(epoch);
                    self.announce(epoch, desk);
                }
                (Told::Failed(failure), Seat::Promoting(epoch) | Seat::Leading(epoch)) => {
                    self.failed(epoch, failure, roster, desk);
                }
                (
                    Told::Ready(_) | Told::Failed(_),
                    Seat::Standby
                    | Seat::Claiming(_)
                    | Seat::Promoting(_)
                    | Seat::Leading(_)
                    | Seat::Demoting(_)
                    | Seat::Releasing(_),
                ) => {}
            }
        }
    }

    fn announce(&mut self, epoch: Epoch, desk: &mut Desk<'_>) {
        if self.announced != Some(epoch) {
            self.announced = Some(epoch);
            desk.out.push(Action::Announce(self.config.id.clone(), epoch));
        }
    }

    /// The leader's service is dead: restart it here, or let another lead.
    fn failed(&mut self, epoch: Epoch, failure: Failure, roster: &Roster<'_>, desk: &mut Desk<'_>) {
        self.withdraw(desk);
        let given_up = self.service.exhausted();
        let hot = roster.best(&self.config.id, Some(true));
        let any = roster.best(&self.config.id, None);
        let next = match self.config.service.on_exit {
            OnExit::Failover => any,
            OnExit::Auto => hot.or(if given_up { any } else { None }),
            OnExit::Restart if given_up => any,
            OnExit::Restart => None,
        };
        self.seat = Seat::Promoting(epoch);
        if let Some(next) = next {
            let reason = match failure {
                Failure::Exited(how) => Reason::ServiceExited(how),
                Failure::Unhealthy(how) => Reason::Unhealthy(how),
                Failure::NotReady(how) => Reason::NotReady(how),
            };
            self.demote(epoch, Parting { reason, next: Some(next), avoid: true }, desk);
        }
    }

    /// Notes since when nobody holds the record.
    fn judge_vacancy(&mut self, roster: &Roster<'_>, desk: &Post<'_>) {
        let reason = match self.register.body() {
            None => Some(Reason::First),
            Some(record) => match &record.leader {
                None => Some(record.reason.clone()),
                Some(_) if self.forgotten(desk) => Some(Reason::Replaced),
                Some(leader) => match roster.hold(leader, desk) {
                    Hold::Held => None,
                    Hold::Ended(SessionState::Proven) => Some(Reason::Proven),
                    Hold::Ended(SessionState::Released) => Some(Reason::Stopped),
                    Hold::Ended(SessionState::Alive | SessionState::Expired) => Some(Reason::Silent),
                    Hold::Replaced => Some(Reason::Replaced),
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
    fn forgotten(&self, desk: &Post<'_>) -> bool {
        self.seat == Seat::Standby && self.mine(desk) && !self.register.unsettled() && self.service.stepped_down()
    }

    /// Whether this node could lead, if perhaps not well.
    fn fit(&self, desk: &Post<'_>) -> bool {
        self.config.mode.may_lead() && !desk.stopping && desk.session.is_some() && self.service.healthy()
    }

    /// Whether this node would lead if asked now.
    fn able(&self, desk: &Post<'_>) -> bool {
        self.fit(desk) && (!self.service.exhausted() || self.service.ready().is_some())
    }

    fn candidate(&self, desk: &Post<'_>) -> Candidate {
        let avoided = self.register.body().and_then(|record| record.avoid.as_ref()) == Some(&desk.config.name);
        Candidate {
            node: desk.config.name.clone(),
            avoided,
            priority: self.config.priority,
            hot: self.service.ready().is_some(),
            fresh: 0,
            version: desk.config.version.clone(),
        }
    }

    /// When this node's turn comes, if nothing changes.
    pub(crate) fn claim_at(&self, roster: &Roster<'_>, desk: &Post<'_>) -> Option<Instant> {
        let (since, _) = self.vacant.as_ref()?;
        if self.seat != Seat::Standby || !desk.fresh || !self.known || self.damaged || self.blind || !self.fit(desk) {
            return None;
        }
        let record = self.register.body();
        let next = record.and_then(|record| record.next.as_ref());
        let avoid = record.and_then(|record| record.avoid.as_ref());
        // An unfinished write of an earlier turn must settle first.
        if !self.register.free() {
            return None;
        }
        let ttl = desk.config.timing.ttl();
        // Where the service keeps failing it is tried again only if nobody else wants to lead.
        let last_resort = if self.able(desk) { Duration::ZERO } else { ttl * 2 };
        let settled = (*since).max(desk.began + ttl / 2) + last_resort;
        match next {
            Some(next) if *next == desk.config.name => return Some(*since),
            Some(next) if roster.able(next, &self.config.id).is_ok() => {
                return Some(self.register.seen() + ttl);
            }
            Some(_) | None => {}
        }
        let me = self.candidate(desk);
        let better = roster.candidates(&self.config.id, avoid);
        let rank = better.iter().filter(|other| order(other, &me).is_lt()).count();
        let rank = u32::try_from(rank).unwrap_or(u32::MAX).min(16);
        Some(settled + desk.config.timing.renewal() * rank)
    }

    fn may_write(&self, desk: &Post<'_>) -> bool {
        self.register.free() && !self.blind && desk.now >= self.retry_at
    }

    fn claim(&mut self, desk: &mut Desk<'_>) {
        let epoch = self.register.body().map_or(Epoch(0), |record| record.epoch).next();
        self.seat = Seat::Claiming(epoch);
        self.retry_at = desk.now;
        self.send_claim(epoch, desk);
        if desk.config.rules.breaks(Mutant::ActBeforeClaimAcknowledged) {
            self.seat = Seat::Promoting(epoch);
        }
    }

    fn send_claim(&mut self, epoch: Epoch, desk: &mut Desk<'_>) {
        let Some(session) = desk.session else { return };
        let reason = self.vacant.as_ref().map_or(Reason::First, |(_, reason)| reason.clone());
        let record = GroupRecord {
            nonce: desk.nonce(),
            epoch,
            leader: Some(Leader { node: desk.config.name.clone(), session }),
            serving: false,
            service: self.config.address.clone(),
            next: None,
            avoid: None,
            reason,
        };
        self.send(record, Mutant::ClaimWithoutVersion, desk);
    }

    fn send_release(&mut self, epoch: Epoch, desk: &mut Desk<'_>) {
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
            reason: parting.map_or(Reason::Stopped, |parting| parting.reason),
        };
        self.send(record, Mutant::NonceReused, desk);
    }

    /// Keeps the record's `serving` true to what is.
    fn publish(&mut self, desk: &mut Desk<'_>) {
        let serving = matches!(self.seat, Seat::Leading(_));
        if desk.config.rules.breaks(Mutant::AnnouncedBeforeReady)
            && let Seat::Promoting(epoch) = self.seat
        {
            self.announce(epoch, desk);
        }
        let Some(record) = self.register.body() else { return };
        if record.serving != serving && self.mine(desk) && self.may_write(desk) {
            let record = GroupRecord { nonce: desk.nonce(), serving, ..record.clone() };
            self.send(record, Mutant::NonceReused, desk);
        }
    }

    /// `careless`: the mutant under which this very write forgets what it builds on.
    fn send(&mut self, record: GroupRecord, careless: Mutant, desk: &mut Desk<'_>) {
        let blindly = careless == Mutant::ClaimWithoutVersion && desk.config.rules.breaks(careless);
        desk.send(self.key(), &mut self.register, record, Record::Group);
        if blindly {
            desk.forget_expectation();
        }
    }

    /// What this node publishes of itself.
    pub(crate) fn member(&self, desk: &Post<'_>) -> Member {
        let hot = self.service.ready().is_some();
        Member {
            state: self.state(desk),
            mode: self.config.mode,
            priority: self.config.priority,
            role: self.config.role.to_string(),
            candidate: self.able(desk),
            hot,
            fresh: 0,
            service: self.config.address.clone(),
            trouble: self.service.trouble().cloned(),
        }
    }

    fn state(&self, desk: &Post<'_>) -> MemberState {
        match (&self.seat, self.config.mode) {
            (Seat::Leading(_), _) => MemberState::Leader,
            (Seat::Promoting(_) | Seat::Claiming(_), _) => MemberState::Starting,
            (_, _) if desk.session.is_none() => MemberState::Starting,
            (_, Mode::Disabled) => MemberState::Offline,
            (_, Mode::Backup) => MemberState::Backup,
            (_, _) if !self.service.healthy() || self.service.exhausted() => MemberState::Failed,
            (_, _) if self.service.ready().is_some() => MemberState::HotStandby,
            (_, _) if self.resting(desk).is_some() && !desk.stopping => MemberState::Starting,
            (_, _) => MemberState::Standby,
        }
    }

    pub(crate) fn wake_at(&self, roster: &Roster<'_>, desk: &Post<'_>) -> Option<Instant> {
        let retry = matches!(self.seat, Seat::Claiming(_) | Seat::Releasing(_)) && self.register.free();
        let retry = (retry && !self.blind).then_some(self.retry_at);
        let lag = match self.seat {
            Seat::Leading(_) | Seat::Promoting(_) => Some(self.retry_at).filter(|at| *at > desk.now),
            Seat::Standby | Seat::Claiming(_) | Seat::Demoting(_) | Seat::Releasing(_) => None,
        };
        [retry, lag, self.service.wake_at(), self.claim_at(roster, desk)].into_iter().flatten().min()
    }
}
