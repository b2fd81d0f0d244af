//! How a session kills what it holds, and how it knows that nothing is left.
//!
//! The keepers do the work, each for its own tree; they are the last to die, so that even a guard killed half-way
//! leaves nobody unwatched. Only a keeper that does not do its work is killed itself, and the guard, as the next
//! subreaper, inherits what it kept.

use rustix::process::Pid;

use super::{Phase, Session};
use crate::cgroup::SlotGroup;
use crate::keeper::is_dead;
use crate::kin::Reaped;
use crate::signals;
use crate::slot::Slot;
use crate::wire::Report;
use crate::word::Trigger;

/// How long the keepers may take before the guard does their work: a few times what they need.
const PATIENCE: u64 = 20_000_000;
/// The longest pause between two looks at something that resists.
const PAUSE_MAX: u64 = 500_000_000;

impl Session {
    /// Nothing may live from now on. The addresses go first, so that nobody is sent to a dead service. Should the kernel
    /// keep us waiting for its table, the keepers have the deadline too, and kill before they look at addresses.
    pub(super) fn begin_to_kill(&mut self, now: u64, trigger: Trigger) {
        self.phase = Phase::Killing { since: now, overdue: false, trigger };
        self.lower_all();
        if let Some(group) = &self.group {
            group.kill();
        }
        self.slots.iter().for_each(Slot::kill);
        self.again = Some((now.saturating_add(PATIENCE), PATIENCE));
    }

    /// Hears what the keepers say and collects the dead.
    pub(super) fn collect(&mut self) {
        for slot in &mut self.slots {
            while let Some(news) = slot.news() {
                self.outbox.extend(news);
            }
        }
        signals::drain(&self.signals);
        loop {
            match self.kin.reap() {
                Reaped::Ended(pid, _) => self.bury(pid),
                Reaped::None => return,
                Reaped::Childless => return self.conclude(),
            }
        }
    }

    /// One of our children is dead: a keeper, or an orphan of one.
    fn bury(&mut self, pid: Pid) {
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.has_keeper() && slot.keeper == pid) else {
            return;
        };
        while let Some(news) = slot.news() {
            self.outbox.extend(news);
        }
        slot.lose_keeper();
        self.keepers.retain(|keeper| *keeper != pid.as_raw_nonzero().get());
    }

    /// Kills what is to be killed and has not gone; frees the slots that are empty.
    pub(super) fn pursue(&mut self, now: u64) {
        let killing = matches!(self.phase, Phase::Killing { .. });
        let bereft = self.slots.iter().any(Slot::is_bereft);
        if killing {
            self.lower_all();
        }
        if killing || bereft {
            let orphans = self.kill_orphans(now, killing);
            self.free_slots(orphans > 0);
        } else {
            self.again = None;
            self.free_slots(false);
        }
        self.raise_alarm(now);
    }

    /// Kills every child that is no keeper, and what else may need it; says how many there were.
    fn kill_orphans(&mut self, now: u64, killing: bool) -> usize {
        let keepers = &self.keepers;
        let is_keeper = |pid: Pid| keepers.binary_search(&pid.as_raw_nonzero().get()).is_ok();
        self.slots
            .iter()
            .filter(|slot| slot.is_bereft())
            .filter_map(|slot| slot.group.as_ref())
            .for_each(SlotGroup::kill);
        let orphans = self.kin.kill_children(is_keeper);
        let (at, pause) = self.again.unwrap_or((now.saturating_add(PATIENCE), PATIENCE));
        self.again = Some((at, pause));
        if now < at {
            return orphans;
        }
        if killing {
            // The keepers had their time: what is below them is killed over their heads. They themselves only later:
            // while a keeper lives, the death of the guard leaves nobody unwatched.
            if let Some(group) = &self.group {
                group.kill();
            }
            self.kin.kill_descendants(is_keeper);
            let for_them: fn(&Slot) = if pause > PATIENCE { Slot::kill_keeper } else { Slot::kill };
            self.slots.iter().for_each(for_them);
        }
        self.again = Some((now.saturating_add(pause), (pause * 2).min(PAUSE_MAX)));
        orphans
    }

    /// Reports and forgets the slots of which nothing is alive.
    fn free_slots(&mut self, orphans: bool) {
        let mut place = 0;
        while let Some(slot) = self.slots.get(place) {
            if slot.is_gone(orphans) {
                let slot = self.slots.swap_remove(place);
                self.remove_group(slot.group.as_ref());
                self.outbox.extend(slot.last_reports().into_iter().flatten());
            } else {
                place += 1;
            }
        }
    }

    /// There is no child. Where there is a cgroup it must be empty too, an agent that had to die must be dead, and no
    /// address may be up: only then is it proven (D2, D3, D4, D5).
    fn conclude(&mut self) {
        let Phase::Killing { trigger, .. } = self.phase else {
            return;
        };
        if self.group.as_ref().is_some_and(crate::cgroup::SessionGroup::is_still_populated) {
            return;
        }
        if self.agent_must_die && !is_dead(&self.agent) || self.holds_addresses() {
            return;
        }
        let now = crate::clock::boottime();
        let linger = u64::try_from(self.settings.linger.as_nanos()).unwrap_or(u64::MAX);
        self.phase = Phase::Proven { until: now.saturating_add(linger) };
        self.agent_must_die = false;
        self.again = None;
        self.herald.prove(now, trigger);
        self.free_slots(false);
        self.outbox.push_back(Report::Proof { secret: self.secret });
        if let Some(group) = self.group.take() {
            group.remove();
        }
        if let Some(watchdog) = self.watchdog.take() {
            watchdog.release();
        }
    }

    fn raise_alarm(&mut self, now: u64) {
        if let Phase::Killing { since, overdue: false, trigger } = self.phase
            && now >= since.saturating_add(self.budget())
        {
            self.phase = Phase::Killing { since, overdue: true, trigger };
            self.outbox.push_back(Report::Overdue);
        }
    }

    pub(super) fn remove_group(&self, slot: Option<&SlotGroup>) {
        if let (Some(group), Some(slot)) = (&self.group, slot) {
            group.remove_slot(slot);
        }
    }
}
