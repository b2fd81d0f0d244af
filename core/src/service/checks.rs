//! What ready checks, health checks and changes of role do to a service's life.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Failure, Life, READY_PAUSE_MAX, Role, Service, Told};
use crate::health::Health;
use crate::message::{Action, Event, GuardCommand};
use crate::time::Instant;

impl Service {
    pub(super) fn checked_ready(&mut self, now: Instant, result: Result<(), String>, out: &mut Vec<Action>) {
        let (role, starting) = match self.life {
            Life::Starting { role, .. } => (role, true),
            Life::Turning { role, told: true, .. } => (role, false),
            Life::Turning { told: false, .. }
            | Life::Stopped
            | Life::Running { .. }
            | Life::Stopping { .. }
            | Life::Dying
            | Life::Backoff { .. } => return,
        };
        match result {
            Err(why) => {
                self.last_trouble = Some(why);
                self.ready_at = Some(now + self.ready_pause);
                self.ready_pause = (self.ready_pause * 2).min(READY_PAUSE_MAX);
            }
            // A service started as the leader is up; the hook of its promotion has yet to run.
            Ok(()) if starting && self.config.hooks && matches!(role, Role::Leader(_)) => self.turn(now, role, out),
            Ok(()) => self.running(now, role, out),
        }
    }

    pub(super) fn running(&mut self, now: Instant, role: Role, out: &mut Vec<Action>) {
        self.life = Life::Running { role, since: now };
        if self.failures == 0 {
            self.last_trouble = None;
        }
        if self.health.is_none()
            && let Some((interval, limits)) = self.config.health
        {
            self.health = Some(Health::new(limits));
            self.health_at = Some(now + interval);
        }
        out.push(Action::Tell(Event::ServiceReady(self.group.clone(), role)));
        self.told.push(Told::Ready(role));
    }

    pub(super) fn checked_health(&mut self, now: Instant, result: Result<(), String>, out: &mut Vec<Action>) {
        let (Some((interval, limits)), Some(health)) = (self.config.health, self.health.as_mut()) else {
            return;
        };
        if !matches!(self.life, Life::Running { .. } | Life::Turning { .. }) {
            return;
        }
        self.health_at = Some(now + interval);
        let was = health.healthy();
        let healthy = health.take(result.is_ok());
        let Err(why) = result else {
            if healthy {
                self.last_trouble = None;
            }
            return;
        };
        // Once it is known to be unhealthy, each further failure is no news.
        if was {
            let count = if healthy { health.failures() } else { limits.max_check_attempts };
            let event = Event::HealthFailed(self.group.clone(), why.clone(), count, limits.max_check_attempts);
            out.push(Action::Tell(event));
        }
        self.last_trouble = Some(why.clone());
        // An unhealthy standby is no candidate until it recovers; an unhealthy leader has to go.
        if was && !healthy && self.leads() {
            self.fail(Failure::Unhealthy(why), out);
        }
    }

    pub(super) fn leads(&self) -> bool {
        match self.life {
            Life::Starting { role, .. } | Life::Running { role, .. } | Life::Turning { role, .. } => {
                matches!(role, Role::Leader(_))
            }
            Life::Stopped | Life::Stopping { .. } | Life::Dying | Life::Backoff { .. } => false,
        }
    }

    pub(super) fn turned(&mut self, now: Instant, result: Result<bool, String>, out: &mut Vec<Action>) {
        let Life::Turning { role, since, told: false } = self.life else { return };
        match (result, role) {
            // Demotion of a service that does not say that it has stepped down: only its death is safe.
            (Ok(false) | Err(_), Role::Standby) => {
                self.life = Life::Stopping { kill_at: None };
                out.push(Action::Guard(GuardCommand::Kill(self.group.clone(), self.run)));
            }
            (Err(why), Role::Leader(_)) => self.fail(Failure::NotReady(why), out),
            (Ok(_), Role::Leader(_)) | (Ok(true), Role::Standby) => {
                self.life = Life::Turning { role, since, told: true };
                self.check_ready(now);
            }
        }
    }
}
