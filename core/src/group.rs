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

mod bar;
mod member;
mod orders;
mod parting;
mod plans;
mod record;
mod turn;
mod writes;

use alloc::string::String;
use core::time::Duration;

use crate::desk::{Desk, Post};
use crate::id::{Epoch, GroupId, SessionId, Version};
use crate::message::{Action, Event, Reason, ServiceInput};
use crate::mode::{Mode, OnExit, Standby};
use crate::mutant::Mutant;
use crate::record::{GroupRecord, Key};
use crate::register::Register;
use crate::roster::Roster;
use crate::service::{Failure, Role, Service, ServiceConfig, Told};
use crate::time::Instant;
pub use bar::{Bar, unrest_pause};
use orders::Orders;
use parting::Parting;

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
    /// After a member of larger priority was able to lead for so long, it is handed the lead; `None`: never.
    pub failback: Option<Duration>,
    /// A leader that has stayed well for so long makes all earlier changes count no more.
    pub calm: Duration,
    /// The longest that claims are held off after changes in a row that nobody meant; zero: never.
    pub hold_max: Duration,
    /// Whether all members must be of one role and one region.
    pub alike: bool,
    /// The service.
    pub service: ServiceConfig,
    /// Where this node's service answers, `host:port`.
    pub address: Option<String>,
    /// Whether anything follows an announcement that has to be off again before a release: an address, a hook.
    pub followers: bool,
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

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) config: GroupConfig,
    pub(crate) seat: Seat,
    register: Register<GroupRecord>,
    pub(crate) service: Service,
    orders: Orders,
    /// Since when nobody holds the present version of the record, and why.
    vacant: Option<(Instant, Reason)>,
    parting: Option<Parting>,
    /// Who should lead in this node's place, in which session, and since when it was able to all the while.
    better: Option<(SessionId, Instant)>,
    /// Since when this node leads well.
    well: Option<Instant>,
    /// The epoch after which it was told last that this node is kept from leading.
    told_barred: Option<Epoch>,
    announced: Option<Epoch>,
    /// A withdrawal that is not answered yet.
    withdrawing: bool,
    /// Since when a release is to be written.
    releasing: Option<Instant>,
    /// A write was refused: only a look can tell what stands there now.
    blind: bool,
    damaged: bool,
    /// When the newest look began; `None` before the first.
    known: Option<Instant>,
    retry_at: Instant,
}

impl Group {
    pub(crate) fn new(config: GroupConfig) -> Self {
        Self {
            service: Service::new(config.id.clone(), config.service),
            config,
            seat: Seat::Standby,
            register: Register::new(),
            orders: Orders::default(),
            vacant: None,
            parting: None,
            better: None,
            well: None,
            told_barred: None,
            announced: None,
            withdrawing: false,
            releasing: None,
            blind: false,
            damaged: false,
            known: None,
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

    fn stand_by(&mut self) {
        self.seat = Seat::Standby;
        self.parting = None;
        self.better = None;
        self.well = None;
        self.releasing = None;
        self.service.want(None);
    }

    /// The session is over: the guard has killed, or is killing, the service.
    pub(crate) fn over(&mut self, desk: &mut Desk<'_>) {
        self.withdraw(desk);
        self.stand_by();
        self.register.abandon();
        self.service.forget();
        // What followed dies with the session, by the guard's hand and before its proof (D3, D5).
        self.withdrawing = false;
        self.vacant = None;
    }

    pub(crate) fn service_input(&mut self, run: u64, input: ServiceInput, desk: &mut Desk<'_>) {
        self.service.take(desk.now, run, input, desk.out);
    }

    fn demote(&mut self, epoch: Epoch, parting: Parting, desk: &mut Desk<'_>) {
        self.better = None;
        self.well = None;
        desk.out.push(Action::Tell(Event::Demoting(self.config.id.clone(), epoch, parting.reason.clone())));
        self.parting = Some(parting);
        self.seat = Seat::Demoting(epoch);
    }

    /// What the service should be while this node does not lead.
    fn resting(&self, desk: &Post<'_>) -> Option<Role> {
        let hot = self.config.service.standby == Standby::Hot;
        let runs = match self.mode(desk) {
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
        desk.look |= self.seat == Seat::Standby && self.needs_look(desk);
        match self.seat.clone() {
            Seat::Standby => {
                self.service.want(self.resting(desk));
                self.tell_barred(roster, desk);
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
                    let next = self.heir(roster, desk);
                    self.demote(epoch, Parting::planned(Reason::Stopped, next, desk), desk);
                } else if !self.planned(epoch, roster, desk) {
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

    /// What followed goes first, when nothing is under way any more; then the service; the release comes last.
    fn step_down(&mut self, epoch: Epoch, desk: &mut Desk<'_>) {
        if self.lingering(desk) {
            return;
        }
        self.withdraw(desk);
        let early = desk.config.rules.breaks(Mutant::ReleaseBeforeFollowers);
        let acting = matches!(self.service.ready(), Some(Role::Leader(_)));
        if self.withdrawing && acting && !early {
            return;
        }
        self.service.want(self.resting(desk));
        let rushed = desk.config.rules.breaks(Mutant::ReleaseBeforeStop);
        // Once stepped down it may die or restart as a standby; the release is sent until it is settled all the same.
        let releasing = matches!(self.seat, Seat::Releasing(_));
        let clear = self.service.stepped_down() && (!self.withdrawing || early);
        if releasing || clear || rushed {
            self.seat = Seat::Releasing(epoch);
            self.releasing.get_or_insert(desk.now);
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
                    self.well = Some(desk.now);
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
        // It stays where people want it, as long as it can be restarted there; a paused group stays in any case.
        let stays = self.paused(desk) || (self.pinned_here(desk) && !given_up);
        let next = next.filter(|_| !stays);
        self.seat = Seat::Promoting(epoch);
        self.well = None;
        if let Some(next) = next {
            let reason = match failure {
                Failure::Exited(how) => Reason::ServiceExited(how),
                Failure::Unhealthy(how) => Reason::Unhealthy(how),
                Failure::NotReady(how) => Reason::NotReady(how),
            };
            self.demote(epoch, Parting::forced(reason, next, desk), desk);
        }
    }

    pub(crate) fn wake_at(&self, roster: &Roster<'_>, desk: &Post<'_>) -> Option<Instant> {
        let retry = matches!(self.seat, Seat::Claiming(_) | Seat::Releasing(_)) && self.register.free();
        let retry = (retry && !self.blind).then_some(self.retry_at);
        let lag = match self.seat {
            Seat::Leading(_) | Seat::Promoting(_) => Some(self.retry_at).filter(|at| *at > desk.now),
            Seat::Demoting(_) => self.parting.as_ref().map(Parting::acts_until).filter(|at| *at > desk.now),
            Seat::Standby | Seat::Claiming(_) | Seat::Releasing(_) => None,
        };
        let own =
            [self.service.wake_at(), self.claim_at(roster, desk), self.planned_at(roster, desk), self.calm_at(desk)];
        [retry, lag, self.stuck_at(desk)].into_iter().chain(own).flatten().min()
    }
}
