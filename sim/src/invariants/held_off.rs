//! held_off: where leaders do not stay, the next change that nobody meant comes as late as was agreed.

use std::collections::BTreeMap;
use std::time::Duration;

use hotseat_core::{GroupId, GroupRecord, Key, Leader, Record, SessionRecord, SessionState, unrest_pause};

use super::Fact;
use crate::plan::FASTEST;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct HeldOff {
    hold_max: BTreeMap<GroupId, Duration>,
    /// Who leads, and since when its session is over, in true time.
    leaders: BTreeMap<GroupId, (Leader, Option<u64>)>,
    /// Since when nobody does, for it was released.
    released: BTreeMap<GroupId, u64>,
    /// People said that it is well, up to this epoch.
    calm: BTreeMap<GroupId, u64>,
}

impl HeldOff {
    /// The shortest that any member waits at the most.
    pub(super) fn agree(&mut self, group: &GroupId, hold_max: Duration) {
        let known = self.hold_max.entry(group.clone()).or_insert(hold_max);
        *known = hold_max.min(*known);
    }

    pub(super) fn see(&mut self, now: u64, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Applied { after: Record::Session(after), .. } => {
                self.session(now, after);
                Ok(())
            }
            Fact::Applied { key: Key::Orders(group), after: Record::Orders(after), .. } => {
                self.calm.insert(group.clone(), after.calm);
                Ok(())
            }
            Fact::Applied { key: Key::Group(group), before, after: Record::Group(after) } => {
                let before = before.and_then(|it| if let Record::Group(it) = it { Some(it) } else { None });
                let vacant = self.vacant(group);
                self.moved(now, group, after);
                match (before, vacant) {
                    (Some(before), Some(vacant)) => self.judge(now - vacant, group, before, after),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn vacant(&self, group: &GroupId) -> Option<u64> {
        let over = self.leaders.get(group).and_then(|(_, over)| *over);
        self.released.get(group).copied().or(over)
    }

    fn session(&mut self, now: u64, after: &SessionRecord) {
        for (leader, over) in self.leaders.values_mut().filter(|(leader, _)| leader.node == after.node) {
            if after.session != leader.session || after.state != SessionState::Alive {
                over.get_or_insert(now);
            }
        }
    }

    fn moved(&mut self, now: u64, group: &GroupId, after: &GroupRecord) {
        match &after.leader {
            Some(leader) if self.leaders.get(group).is_none_or(|(known, _)| known != leader) => {
                self.leaders.insert(group.clone(), (leader.clone(), None));
                self.released.remove(group);
            }
            Some(_) => {}
            None => {
                self.released.entry(group.clone()).or_insert(now);
            }
        }
    }

    fn judge(&self, passed: u64, group: &GroupId, before: &GroupRecord, after: &GroupRecord) -> Result<(), String> {
        let claimed = after.epoch > before.epoch && !after.reason.planned();
        let waived = self.calm.get(group).is_some_and(|calm| before.epoch.0 <= *calm);
        let hold = unrest_pause(before.unrest, self.hold_max.get(group).copied().unwrap_or_default());
        let least = hold.as_nanos() as u64 * 1000 / FASTEST;
        if !claimed || waived || passed >= least {
            return Ok(());
        }
        let (epoch, unrest) = (after.epoch, before.unrest);
        Err(format!("{group}: epoch {epoch} after {passed} ns, and {unrest} changes in a row were nobody's plan"))
    }
}
