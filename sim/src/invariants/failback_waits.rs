//! failback_waits: the lead goes back only to a member that has been able for as long as was agreed, in one session.
//! That it was unable for a moment in between a leader may not have seen.

use std::collections::BTreeMap;
use std::time::Duration;

use hotseat_core::{GroupId, Key, NodeName, Reason, Record, SessionId, SessionRecord, SessionState};

use super::Fact;
use crate::plan::FASTEST;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct FailbackWaits {
    after: BTreeMap<GroupId, Duration>,
    /// Since when a member says that it could lead, in that session, in true time.
    able: BTreeMap<(GroupId, NodeName), (SessionId, u64)>,
    /// What a leader knows may be so old.
    pub lag: u64,
}

impl FailbackWaits {
    /// The shortest that any member waits.
    pub(super) fn agree(&mut self, group: &GroupId, failback: Option<Duration>) {
        if let Some(after) = failback {
            let known = self.after.entry(group.clone()).or_insert(after);
            *known = after.min(*known);
        }
    }

    pub(super) fn see(&mut self, now: u64, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Applied { after: Record::Session(after), .. } => {
                self.session(now, after);
                Ok(())
            }
            Fact::Applied { key: Key::Group(group), after: Record::Group(after), .. }
                if after.leader.is_none() && after.reason == Reason::Failback =>
            {
                let Some(next) = &after.next else { return Err(format!("{group} goes back to nobody")) };
                let since = self.able.get(&(group.clone(), next.clone()));
                let least = self.after.get(group).map_or(u64::MAX, |after| after.as_nanos() as u64 * 1000 / FASTEST);
                if since.is_some_and(|(_, since)| now - since + self.lag >= least) {
                    return Ok(());
                }
                Err(format!("{group} goes back to {next}, which is able since {since:?}, at {now}"))
            }
            _ => Ok(()),
        }
    }

    fn session(&mut self, now: u64, after: &SessionRecord) {
        for (group, member) in &after.members {
            let key = (group.clone(), after.node.clone());
            if self.able.get(&key).is_some_and(|(session, _)| *session != after.session) {
                self.able.remove(&key);
            }
            if after.state == SessionState::Alive && member.candidate {
                self.able.entry(key).or_insert((after.session, now));
            }
        }
    }
}
