//! one_leader: at no instant do two services of a group both act.

use std::collections::BTreeMap;

use hotseat_core::{Epoch, GroupId};

use super::{Fact, Place};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct OneLeader {
    acting: BTreeMap<GroupId, Vec<(Place, Epoch)>>,
}

impl OneLeader {
    pub(super) fn see(&mut self, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Acts { group, place, epoch, .. } => {
                let acting = self.acting.entry((*group).clone()).or_default();
                acting.retain(|(other, _)| other != place);
                acting.push((*place, *epoch));
                if acting.len() > 1 {
                    return Err(format!("of {group} these act at once: {acting:?}"));
                }
            }
            Fact::Ceases { group, place } => {
                if let Some(acting) = self.acting.get_mut(*group) {
                    acting.retain(|(other, _)| other != place);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
