//! recovers: when faults end there is one leader within a bound, and it stays; one fault causes at most
//! one change of leader.

use std::collections::BTreeMap;

use hotseat_core::{Epoch, GroupId, Key, Record, Seat, SessionState};

use super::{Broken, Fact};
use crate::world::World;

/// What it keeps of a run.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    claims: BTreeMap<GroupId, Vec<(u64, Epoch)>>,
}

impl Recovery {
    pub(super) fn see(&mut self, now: u64, fact: &Fact<'_>) {
        if let Fact::Applied { key: Key::Group(group), before, after: Record::Group(after) } = fact {
            let known = before.and_then(|before| if let Record::Group(it) = before { Some(it.epoch) } else { None });
            if after.epoch > known.unwrap_or_default() {
                self.claims.entry(group.clone()).or_default().push((now, after.epoch));
            }
        }
    }

    /// Changes of leader of a group since then.
    #[must_use]
    pub(crate) fn changes(&self, group: &GroupId, since: u64) -> usize {
        self.claims.get(group).map_or(0, |claims| claims.iter().filter(|(at, _)| *at >= since).count())
    }
}

impl World {
    /// Whether every group that can have a leader has exactly one, which serves, and which nobody doubts.
    ///
    /// # Errors
    /// A group that has none, or whose leader is not complete.
    pub(crate) fn recovered(&self) -> Result<(), Broken> {
        for group in self.groups() {
            self.led(&group).map_err(|what| Broken { invariant: "recovers", what: format!("{group}: {what}") })?;
        }
        self.may_change().map_err(|what| Broken { invariant: "recovers", what })
    }

    /// Whether another voter could come or go now: every living session counts on the set in force, and nobody of it
    /// is lost.
    fn may_change(&self) -> Result<(), String> {
        let Some(voters) = self.voters() else { return Ok(()) };
        let mut living = self.store.sessions().filter(|session| session.state == SessionState::Alive);
        if let Some(behind) = living.find(|session| session.seen != Some(voters.number)) {
            let (node, seen) = (&behind.node, behind.seen);
            return Err(format!("{node} counts on the voters of {seen:?}; {} is in force", voters.number));
        }
        let lost = self.lost_voters();
        if lost.is_empty() { Ok(()) } else { Err(format!("voters {lost:?} are on no disk any more")) }
    }

    /// At most so many changes of leader since then.
    ///
    /// # Errors
    /// A group with more.
    pub(crate) fn changed_at_most(&self, limit: usize, since: u64) -> Result<(), Broken> {
        for group in self.groups() {
            let changes = self.checks.recovery.changes(&group, since);
            if changes > limit {
                let what = format!("{group}: {changes} changes of leader where {limit} would do");
                return Err(Broken { invariant: "recovers", what });
            }
        }
        Ok(())
    }

    /// Groups that some machine could lead.
    fn groups(&self) -> Vec<GroupId> {
        let able = self.machines.iter().filter(|machine| !machine.twin).flat_map(|machine| &machine.config.groups);
        let mut ids: Vec<_> = able.filter(|group| group.mode.may_lead()).map(|group| group.id.clone()).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    fn led(&self, group: &GroupId) -> Result<(), String> {
        let Some((_, Record::Group(record))) = self.store.now(&Key::Group(group.clone())) else {
            return Err("no record".into());
        };
        let Some(leader) = &record.leader else { return Err(format!("epoch {} was released", record.epoch)) };
        if !record.serving {
            return Err(format!("{} leads but does not serve", leader.node));
        }
        let mut seen = 0;
        for machine in self.machines.iter().filter(|machine| !machine.twin) {
            let Some(agent) = &machine.agent else { return Err(format!("{} has no agent", machine.config.name)) };
            let view = agent.node.view(machine.clock.local(self.now));
            let Some(view) = view.groups.iter().find(|view| view.id == *group) else { continue };
            if view.leader.as_ref() != Some(&leader.node) {
                return Err(format!(
                    "{} takes {:?} for the leader, not {}",
                    machine.config.name, view.leader, leader.node
                ));
            }
            seen += usize::from(view.seat == Seat::Leading(record.epoch));
        }
        let acting: usize = self
            .machines
            .iter()
            .flat_map(|machine| &machine.guards)
            .flat_map(|guard| &guard.processes)
            .filter(|process| process.group == *group && process.acting == Some(record.epoch))
            .count();
        if (seen, acting) == (1, 1) {
            Ok(())
        } else {
            Err(format!("{seen} lead, {acting} act in epoch {}", record.epoch))
        }
    }
}
