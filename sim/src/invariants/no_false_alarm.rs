//! no_false_alarm: in a run without a fault no session ends and no leadership changes after the first.

use hotseat_core::{Epoch, Record, SessionState};

use super::Fact;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct NoFalseAlarm {
    /// Whether this run is without a fault.
    pub watches: bool,
}

impl NoFalseAlarm {
    pub(super) fn see(&self, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Applied { key, after, .. } if self.watches => match after {
                Record::Session(after) if after.state != SessionState::Alive => {
                    Err(format!("{key} ended as {:?} without a fault", after.state))
                }
                Record::Group(after) if after.epoch > Epoch(1) || after.leader.is_none() => {
                    Err(format!("{key} went to epoch {} without a fault", after.epoch))
                }
                Record::Session(_) | Record::Group(_) | Record::Orders(_) | Record::Voters(_) => Ok(()),
            },
            _ => Ok(()),
        }
    }
}
