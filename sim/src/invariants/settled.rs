//! settled: a write whose outcome is unknown is settled before anything is built on it.
//!
//! A service is ordered to lead only under a claim that stands in the store, and never again in an epoch
//! whose release was sent (A2). That leases build on settled renewals only is seen by `dead_before_next`.

use std::collections::BTreeSet;

use hotseat_core::{Epoch, GroupId, Nonce, Record, Role, SessionId};

use super::Fact;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Settled {
    claimed: BTreeSet<(GroupId, Epoch, Nonce)>,
    released: BTreeSet<(GroupId, Epoch, Nonce)>,
}

impl Settled {
    pub(super) fn see(&mut self, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Applied { after: Record::Group(after), .. } => {
                if let Some(leader) = &after.leader {
                    self.claimed.insert((after_group(fact), after.epoch, leader.session.id));
                }
                Ok(())
            }
            Fact::Wrote { session: Some(session), record: Record::Group(record), .. } if record.leader.is_none() => {
                self.released.insert((after_group(fact), record.epoch, session.id));
                Ok(())
            }
            Fact::Ordered { session: Some(session), group, role: Role::Leader(epoch), .. } => {
                self.leads(session, group, *epoch)
            }
            Fact::Announced { session: Some(session), group, epoch, .. } => self.leads(session, group, *epoch),
            _ => Ok(()),
        }
    }

    fn leads(&self, session: &SessionId, group: &GroupId, epoch: Epoch) -> Result<(), String> {
        let what = (group.clone(), epoch, session.id);
        if !self.claimed.contains(&what) {
            return Err(format!(
                "{group}: {session:?} leads in epoch {epoch}, but its claim does not stand in the store"
            ));
        }
        if self.released.contains(&what) {
            return Err(format!("{group}: {session:?} leads in epoch {epoch} after it sent the release"));
        }
        Ok(())
    }
}

fn after_group(fact: &Fact<'_>) -> GroupId {
    match fact {
        Fact::Applied { key: hotseat_core::Key::Group(group), .. }
        | Fact::Wrote { key: hotseat_core::Key::Group(group), .. } => group.clone(),
        _ => unreachable!("a group's record stands at a group's key"),
    }
}
