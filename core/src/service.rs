//! The life of one group's service on this node.
//!
//! ```text
//!              start               ready             told, hook, ready
//!   Stopped ──────────> Starting ─────────> Running ─────────────────> Running (new role)
//!      ^                   │                  │  ^  Turning  │
//!      │                   │ exit, time-out   │  └───────────┘ refused
//!      │ pause over        v                  v exit, unhealthy
//!      ├──── Backoff <── Dying <──────────────┴──────── Stopping <── asked (signal, then kill)
//!      └───────────────────┘   (Dying ends when nothing of the tree is alive)
//! ```
//!
//! It drives towards the role it is given and says what happened. It never decides who leads, and never
//! counts a service as stopped before the guard has seen the whole tree gone (D4).

mod checks;

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use serde::{Deserialize, Serialize};

use crate::health::{Health, HealthLimits};
use crate::id::{Epoch, GroupId};
use crate::message::{Action, Event, GuardCommand, ServiceInput};
use crate::mode::{OnExit, Standby};
use crate::time::Instant;

/// First pause between two ready checks; it doubles up to `READY_PAUSE_MAX`.
const READY_PAUSE_MIN: Duration = Duration::from_millis(4);
/// Longest pause between two ready checks.
const READY_PAUSE_MAX: Duration = Duration::from_millis(200);
/// A run that lasted this long wipes out earlier failures.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// What a service is told it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// One of those that wait.
    Standby,
    /// The one in charge, in this epoch.
    Leader(Epoch),
}

/// Pauses between restarts: the first is at once, then `first`, doubling up to `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Second restart waits this long.
    pub first: Duration,
    /// No pause is longer.
    pub max: Duration,
    /// After so many failures in a row the node hands over, if anybody can take it.
    pub attempts: u32,
}

impl Backoff {
    fn pause(&self, failures: u32) -> Duration {
        match failures {
            0 | 1 => Duration::ZERO,
            n => self.first.saturating_mul(1 << (n - 2).min(16)).min(self.max),
        }
    }
}

/// What a service needs to be looked after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceConfig {
    /// Whether it runs on standbys.
    pub standby: Standby,
    /// What to do when it ends by itself.
    pub on_exit: OnExit,
    /// Between the stop signal and the kill.
    pub stop_timeout: Duration,
    /// To become ready.
    pub start_timeout: Duration,
    /// To take a new role, hook included.
    pub turn_timeout: Duration,
    /// Between health checks; `None`: no checks.
    pub health: Option<(Duration, HealthLimits)>,
    /// Restarts.
    pub backoff: Backoff,
    /// How long what is under way may hold up a planned end; zero: nothing is asked for.
    pub drain: Duration,
    /// Whether a change of role needs telling: a hook is configured.
    pub hooks: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Stopped,
    Starting { role: Role, since: Instant },
    Running { role: Role, since: Instant },
    Turning { role: Role, since: Instant, told: bool },
    Stopping { kill_at: Option<Instant> },
    Dying,
    Backoff { until: Instant },
}

/// What the group needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Ready in this role.
    Ready(Role),
    /// It ended by itself, or was killed because it was no good; why, and whether it was unhealthy.
    Failed(Failure),
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Exited(String),
    Unhealthy(String),
    NotReady(String),
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    group: GroupId,
    pub(crate) config: ServiceConfig,
    want: Option<Role>,
    life: Life,
    /// Names the process: reports of an earlier run are ignored.
    run: u64,
    failures: u32,
    failing: Option<Failure>,
    health: Option<Health>,
    health_at: Option<Instant>,
    ready_at: Option<Instant>,
    ready_pause: Duration,
    told: Vec<Told>,
    last_trouble: Option<String>,
}

impl Service {
    pub(crate) fn new(group: GroupId, config: ServiceConfig) -> Self {
        Self {
            group,
            config,
            want: None,
            life: Life::Stopped,
            run: 0,
            failures: 0,
            failing: None,
            health: None,
            health_at: None,
            ready_at: None,
            ready_pause: READY_PAUSE_MIN,
            told: Vec::new(),
            last_trouble: None,
        }
    }

    /// What it should be: `None` is not running.
    pub(crate) fn want(&mut self, role: Option<Role>) {
        self.want = role;
    }

    /// The role it is ready in.
    pub(crate) fn ready(&self) -> Option<Role> {
        match self.life {
            Life::Running { role, .. } => Some(role),
            Life::Stopped
            | Life::Starting { .. }
            | Life::Turning { .. }
            | Life::Stopping { .. }
            | Life::Dying
            | Life::Backoff { .. } => None,
        }
    }

    /// Nothing of it is alive.
    pub(crate) fn stopped(&self) -> bool {
        matches!(self.life, Life::Stopped | Life::Backoff { .. })
    }

    /// It does not act as leader any more: not alive, or it has acknowledged that it is a standby.
    pub(crate) fn stepped_down(&self) -> bool {
        match self.life {
            Life::Stopped | Life::Backoff { .. } => true,
            Life::Starting { role, .. } | Life::Running { role, .. } => role == Role::Standby,
            Life::Turning { role, told, .. } => role == Role::Standby && told,
            Life::Stopping { .. } | Life::Dying => false,
        }
    }

    pub(crate) fn exhausted(&self) -> bool {
        self.failures >= self.config.backoff.attempts
    }

    pub(crate) fn healthy(&self) -> bool {
        self.health.is_none_or(|health| health.healthy())
    }

    /// What is wrong. A service that is merely starting has no trouble yet.
    pub(crate) fn trouble(&self) -> Option<&String> {
        self.last_trouble.as_ref().filter(|_| self.failures > 0 || !self.healthy())
    }

    pub(crate) fn run(&self) -> u64 {
        self.run
    }

    /// What happened since the last call.
    pub(crate) fn take_told(&mut self) -> Vec<Told> {
        core::mem::take(&mut self.told)
    }

    /// The session is over: the guard has killed, or is killing, everything.
    pub(crate) fn forget(&mut self) {
        self.want = None;
        self.life = Life::Stopped;
        self.run += 1;
        self.told.clear();
        self.failing = None;
        self.health = None;
        self.health_at = None;
        self.ready_at = None;
    }

    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let life = match self.life {
            Life::Starting { since, .. } => Some(since + self.config.start_timeout),
            Life::Turning { since, .. } => Some(since + self.config.turn_timeout),
            Life::Stopping { kill_at } => kill_at,
            Life::Backoff { until } => Some(until),
            Life::Stopped | Life::Running { .. } | Life::Dying => None,
        };
        [life, self.ready_at, self.health_at].into_iter().flatten().min()
    }

    /// Takes a report of the run it names.
    pub(crate) fn take(&mut self, now: Instant, run: u64, input: ServiceInput, out: &mut Vec<Action>) {
        if run != self.run {
            return;
        }
        match input {
            ServiceInput::Started => {}
            ServiceInput::StartFailed(why) => {
                out.push(Action::Tell(Event::ServiceExited(self.group.clone(), why.clone())));
                self.failing = Some(Failure::NotReady(why));
                self.gone(now, out);
            }
            ServiceInput::Exited(how) => self.exited(how, out),
            ServiceInput::Gone => self.gone(now, out),
            ServiceInput::Ready(result) => self.checked_ready(now, result, out),
            ServiceInput::Health(result) => self.checked_health(now, result, out),
            ServiceInput::Turned(result) => self.turned(now, result, out),
        }
    }

    fn exited(&mut self, how: String, out: &mut Vec<Action>) {
        match self.life {
            Life::Starting { .. } | Life::Running { .. } | Life::Turning { .. } => {
                out.push(Action::Tell(Event::ServiceExited(self.group.clone(), how.clone())));
                self.failing.get_or_insert(Failure::Exited(how));
                self.die();
            }
            Life::Stopping { .. } => self.die(),
            Life::Stopped | Life::Dying | Life::Backoff { .. } => {}
        }
    }

    fn die(&mut self) {
        self.life = Life::Dying;
        self.ready_at = None;
        self.health_at = None;
    }

    /// Kills a run that is no good; it has failed once it is gone.
    fn fail(&mut self, failure: Failure, out: &mut Vec<Action>) {
        self.failing.get_or_insert(failure);
        self.die();
        out.push(Action::Guard(GuardCommand::Kill(self.group.clone(), self.run)));
    }

    fn gone(&mut self, now: Instant, out: &mut Vec<Action>) {
        if matches!(self.life, Life::Stopped | Life::Backoff { .. }) {
            return;
        }
        self.health = None;
        self.ready_at = None;
        self.health_at = None;
        self.life = Life::Stopped;
        if let Some(failure) = self.failing.take() {
            self.count_failure(now, failure, out);
        }
    }

    fn count_failure(&mut self, now: Instant, failure: Failure, out: &mut Vec<Action>) {
        self.failures = self.failures.saturating_add(1);
        let pause = self.config.backoff.pause(self.failures);
        self.life = Life::Backoff { until: now + pause };
        self.last_trouble = Some(match &failure {
            Failure::Exited(how) | Failure::Unhealthy(how) | Failure::NotReady(how) => how.clone(),
        });
        if self.want.is_some() {
            out.push(Action::Tell(Event::ServiceRestarts(self.group.clone(), pause, self.failures)));
        }
        self.told.push(Told::Failed(failure));
    }

    fn check_ready(&mut self, now: Instant) {
        self.ready_pause = READY_PAUSE_MIN;
        self.ready_at = Some(now);
    }

    fn turn(&mut self, now: Instant, role: Role, out: &mut Vec<Action>) {
        self.life = Life::Turning { role, since: now, told: false };
        self.ready_at = None;
        // What was counted against a standby does not count against the leader it becomes.
        if let (Some(health), Some((_, limits))) = (self.health.as_mut(), self.config.health) {
            *health = Health::new(limits);
        }
        out.push(Action::Turn(self.group.clone(), self.run, role));
    }

    fn start(&mut self, now: Instant, role: Role, out: &mut Vec<Action>) {
        self.run += 1;
        self.life = Life::Starting { role, since: now };
        self.failing = None;
        self.check_ready(now);
        let (group, run) = (self.group.clone(), self.run);
        out.push(Action::Guard(GuardCommand::Start { group, run, role }));
        out.push(Action::Tell(Event::ServiceStarted(self.group.clone(), role)));
    }

    fn stop(&mut self, now: Instant, out: &mut Vec<Action>) {
        self.life = Life::Stopping { kill_at: Some(now + self.config.stop_timeout) };
        self.ready_at = None;
        self.health_at = None;
        out.push(Action::Guard(GuardCommand::Signal(self.group.clone(), self.run)));
    }

    /// Moves towards the wanted role, and does what is due.
    pub(crate) fn advance(&mut self, now: Instant, out: &mut Vec<Action>) {
        self.time_out(now, out);
        self.drive(now, out);
        if self.ready_at.is_some_and(|at| at <= now) {
            self.ready_at = None;
            out.push(Action::CheckReady(self.group.clone(), self.run));
        }
        if self.health_at.is_some_and(|at| at <= now) {
            self.health_at = None;
            out.push(Action::CheckHealth(self.group.clone(), self.run));
        }
    }

    fn time_out(&mut self, now: Instant, out: &mut Vec<Action>) {
        match self.life {
            Life::Starting { since, .. } if now >= since + self.config.start_timeout => {
                let why = self.last_trouble.clone().unwrap_or_default();
                let limit = self.config.start_timeout;
                self.fail(Failure::NotReady(alloc::format!("not ready within {limit:?}: {why}")), out);
            }
            Life::Turning { since, role, .. } if now >= since + self.config.turn_timeout => {
                let why = Err(alloc::format!("no answer to its new role within {:?}", self.config.turn_timeout));
                self.life = Life::Turning { since, role, told: false };
                self.turned(now, why, out);
            }
            Life::Stopping { kill_at: Some(at) } if now >= at => {
                self.life = Life::Stopping { kill_at: None };
                out.push(Action::Guard(GuardCommand::Kill(self.group.clone(), self.run)));
            }
            Life::Backoff { until } if now >= until => self.life = Life::Stopped,
            Life::Running { since, .. } if now >= since + STABLE_AFTER => {
                self.failures = 0;
                self.last_trouble = None;
            }
            Life::Starting { .. }
            | Life::Turning { .. }
            | Life::Stopping { .. }
            | Life::Backoff { .. }
            | Life::Running { .. }
            | Life::Stopped
            | Life::Dying => {}
        }
    }

    fn drive(&mut self, now: Instant, out: &mut Vec<Action>) {
        match (self.want, self.life) {
            (Some(role), Life::Stopped) => self.start(now, role, out),
            (None, Life::Starting { .. } | Life::Running { .. } | Life::Turning { .. }) => self.stop(now, out),
            (Some(role), Life::Running { role: is, .. }) if role != is => self.turn(now, role, out),
            // Started or turned for another role and not there yet: a leader-to-be must not wait for ever.
            (
                Some(Role::Standby),
                Life::Starting { role: Role::Leader(_), .. } | Life::Turning { role: Role::Leader(_), .. },
            ) => {
                self.stop(now, out);
            }
            (Some(role @ Role::Leader(_)), Life::Turning { role: is, told: true, .. }) if role != is => {
                self.turn(now, role, out);
            }
            (Some(_) | None, Life::Stopped | Life::Running { .. } | Life::Starting { .. } | Life::Turning { .. })
            | (_, Life::Stopping { .. } | Life::Dying | Life::Backoff { .. }) => {}
        }
    }
}
