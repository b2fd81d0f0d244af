//! epoch_grows: an epoch is never issued twice, nor after a larger one; nor does a service hear of it.

use std::collections::BTreeMap;

use hotseat_core::{Epoch, GroupId, Nonce, Record};

use super::Fact;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct EpochGrows {
    issued: BTreeMap<GroupId, (Epoch, Nonce)>,
    told: BTreeMap<GroupId, (Epoch, Nonce)>,
}

impl EpochGrows {
    pub(super) fn see(&mut self, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Applied { key, after: Record::Group(after), .. } => {
                let hotseat_core::Key::Group(group) = key else { return Err(format!("a group's record at {key}")) };
                match &after.leader {
                    Some(leader) => grows(&mut self.issued, group, after.epoch, leader.session.id),
                    None if self.issued.get(group).is_some_and(|(epoch, _)| after.epoch < *epoch) => {
                        Err(format!("{group} went back to epoch {}", after.epoch))
                    }
                    None => Ok(()),
                }
            }
            Fact::Acts { group, epoch, session, .. } => grows(&mut self.told, group, *epoch, *session),
            _ => Ok(()),
        }
    }
}

fn grows(
    last: &mut BTreeMap<GroupId, (Epoch, Nonce)>,
    group: &GroupId,
    epoch: Epoch,
    session: Nonce,
) -> Result<(), String> {
    let fine = match last.get(group) {
        Some((newest, holder)) => epoch > *newest || (epoch == *newest && session == *holder),
        None => true,
    };
    let was = last.insert(group.clone(), (epoch, session));
    if fine { Ok(()) } else { Err(format!("{group}: epoch {epoch} of {session:?} after {was:?}")) }
}
