//! The guard's one loop, and what it knows.
//!
//! ```text
//!  holding --deadline | agent dead | control closed | End--> killing --no child, cgroups empty--> proven --linger--> over
//!                                                               |
//!                                                               '--budget spent--> alarm, watchdog starves; goes on
//! ```
//! Every turn does everything that is due, whatever it was that woke it, in the order of what matters: the deadline
//! first. It never waits for anything but readiness, never looks at a wall clock, and starts nothing once it kills.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use crate::armour::Inherited;
use crate::cgroup::SessionGroup;
use crate::clock::{Timer, boottime};
use crate::herald::Herald;
use crate::keeper::is_dead;
use crate::kin::Kin;
use crate::packet::send;
use crate::page::Page;
use crate::readiness::Readiness;
use crate::settings::Settings;
use crate::slot::Slot;
use crate::watchdog::Watchdog;
use crate::wire::{PACKET_MAX, Report};
use crate::word::Trigger;

mod addresses;
mod commands;
mod killing;

pub(crate) use addresses::{Addresses, lower_for};

/// Where the session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Services may live.
    Holding,
    /// Nothing may live; `since` when, whether the alarm was raised, and what began it.
    Killing { since: u64, overdue: bool, trigger: Trigger },
    /// Nothing lives. The word is given until then.
    Proven { until: u64 },
}

/// Everything a guard has; made by [`run`](crate::run), all of it opened before the first service starts.
pub(crate) struct Session {
    pub(crate) settings: Settings,
    pub(crate) secret: [u8; 32],
    /// The agent's socket; `None` once it is closed.
    pub(crate) control: Option<OwnedFd>,
    /// The agent itself: readable when it is dead.
    pub(crate) agent: OwnedFd,
    /// The control socket closed before its time: no word until the agent is seen dead (D2).
    pub(crate) agent_must_die: bool,
    /// The agent said `End`: it may close the socket.
    pub(crate) ended: bool,
    /// Ourselves, for the keepers to watch.
    pub(crate) life: OwnedFd,
    pub(crate) signals: OwnedFd,
    pub(crate) inherited: Inherited,
    pub(crate) kin: Kin,
    pub(crate) page: Page,
    pub(crate) group: Option<SessionGroup>,
    /// The virtual IP addresses, where there may be any.
    pub(crate) addresses: Option<Addresses>,
    pub(crate) slots: Vec<Slot>,
    /// The keepers alive, by number, sorted: whom not to kill among our children.
    pub(crate) keepers: Vec<i32>,
    pub(crate) outbox: VecDeque<Report>,
    pub(crate) herald: Herald,
    pub(crate) watchdog: Option<Watchdog>,
    pub(crate) timer: Timer,
    pub(crate) phase: Phase,
    /// While something is to be killed: when to look again, and how long to wait then.
    pub(crate) again: Option<(u64, u64)>,
    pub(crate) buffer: Box<[u8; PACKET_MAX]>,
}

impl Session {
    /// Guards until the session is over and its word was repeated long enough.
    pub(crate) fn run(&mut self) {
        let mut readiness = Readiness::default();
        loop {
            self.wait(&mut readiness);
            self.watch(boottime());
            self.listen();
            self.watch(boottime());
            self.collect();
            self.pursue(boottime());
            self.tend(boottime());
            if matches!(self.phase, Phase::Proven { until } if boottime() >= until) {
                return;
            }
        }
    }

    /// Sleeps until there may be something to do.
    fn wait(&mut self, readiness: &mut Readiness) {
        self.timer.arm(self.wake_at());
        readiness.clear();
        readiness.read(&self.timer);
        readiness.read(&self.signals);
        if let Some(control) = &self.control {
            if self.outbox.is_empty() { readiness.read(control) } else { readiness.read_and_write(control) }
        }
        if self.phase == Phase::Holding || self.agent_must_die && !is_dead(&self.agent) {
            readiness.read(&self.agent);
        }
        if let (Phase::Killing { .. }, Some(group)) = (self.phase, &self.group) {
            readiness.change(group.events());
        }
        self.slots.iter().filter(|slot| slot.has_keeper()).for_each(|slot| readiness.read(&slot.socket));
        self.herald.door().into_iter().chain(self.herald.waiters()).for_each(|fd| readiness.read(fd));
        readiness.wait();
    }

    /// The earliest instant at which something is due.
    fn wake_at(&self) -> Option<u64> {
        let deadline = Some(self.page.deadline()).filter(|at| *at != 0 && self.phase == Phase::Holding);
        let alarm = match self.phase {
            Phase::Killing { since, overdue: false, .. } => Some(since.saturating_add(self.budget())),
            Phase::Proven { until } => Some(until),
            _ => None,
        };
        let again = self.again.map(|(at, _)| at);
        let watchdog = self.watchdog.as_ref().map(Watchdog::wake_at).filter(|_| !self.is_overdue());
        let addresses = self.addresses.as_ref().and_then(Addresses::wake_at).filter(|_| self.phase == Phase::Holding);
        [deadline, alarm, again, addresses, watchdog, self.herald.wake_at()].into_iter().flatten().min()
    }

    /// Whether it is time to kill.
    fn watch(&mut self, now: u64) {
        let deadline = self.page.deadline();
        if self.phase != Phase::Holding {
            return;
        }
        if deadline != 0 && now >= deadline {
            self.begin_to_kill(now, Trigger::Lease);
        } else if is_dead(&self.agent) {
            self.begin_to_kill(now, Trigger::Agent);
        }
    }

    /// What can wait: the word, the addresses' lifetimes, the watchdog, the reports.
    fn tend(&mut self, now: u64) {
        self.tend_addresses(now);
        self.herald.serve(now);
        if self.is_overdue() {
            // Starved, for as long as something lives that may not.
        } else if let Some(watchdog) = &mut self.watchdog {
            watchdog.feed(now);
        }
        self.flush();
        self.timer.disarm_if_past(now);
    }

    /// Sends the reports that there is room for.
    pub(crate) fn flush(&mut self) {
        while let (Some(report), Some(control)) = (self.outbox.front(), &self.control) {
            match send(control, &report.encode(), None) {
                Ok(()) => _ = self.outbox.pop_front(),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                // Closed: the next turn reads the same from the socket and draws its conclusion.
                Err(_) => self.outbox.clear(),
            }
        }
    }

    fn is_overdue(&self) -> bool {
        matches!(self.phase, Phase::Killing { overdue: true, .. })
    }

    fn budget(&self) -> u64 {
        u64::try_from(self.settings.budget.as_nanos()).unwrap_or(u64::MAX)
    }
}
