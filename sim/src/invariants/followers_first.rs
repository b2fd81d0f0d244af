//! `followers_first`: a leadership is released only when what followed it, an address or a hook, is off again.

use std::collections::BTreeMap;

use hotseat_core::{Epoch, GroupId, Record};

use super::Fact;
use crate::event::AgentRef;

/// What follows whom.
#[derive(Debug, Default)]
pub(super) struct FollowersFirst(BTreeMap<(usize, u32, GroupId), Epoch>);

fn place(of: AgentRef, group: &GroupId) -> (usize, u32, GroupId) {
    (of.machine, of.life, group.clone())
}

impl FollowersFirst {
    pub(super) fn see(&mut self, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Followed { of, group, epoch: Some(epoch) } => {
                self.0.insert(place(*of, group), *epoch);
            }
            Fact::Followed { of, group, epoch: None } => {
                self.0.remove(&place(*of, group));
            }
            Fact::Wrote { of, key: hotseat_core::Key::Group(group), record: Record::Group(record), .. } => {
                let up = self.0.get(&place(*of, group));
                if record.leader.is_none() && up == Some(&record.epoch) {
                    return Err(format!(
                        "{of:?} releases epoch {} of {group}, which something still follows",
                        record.epoch
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
