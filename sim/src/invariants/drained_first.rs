//! drained_first: a service whose end is planned is not told to step down while requests are under way to it, unless they
//! take longer than they may.

use std::collections::BTreeMap;

use hotseat_core::{Epoch, GroupId};

use super::Fact;

/// Until when requests are under way, and to which epoch, by machine, run of its agent, and group.
#[derive(Debug, Default)]
pub(crate) struct DrainedFirst {
    busy: BTreeMap<(usize, u32, GroupId), (Epoch, u64)>,
}

impl DrainedFirst {
    pub(super) fn see(&mut self, now: u64, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Drains { of, group, epoch, busy_until } => {
                self.busy.insert((of.machine, of.life, (*group).clone()), (*epoch, *busy_until));
            }
            // What was under way to an earlier epoch died with its session.
            Fact::Announced { of, group, .. } => {
                self.busy.remove(&(of.machine, of.life, (*group).clone()));
            }
            Fact::StepsDown { of, group } => {
                let busy = self.busy.remove(&(of.machine, of.life, (*group).clone()));
                if let Some((epoch, until)) = busy.filter(|(_, until)| now < *until) {
                    return Err(format!("{of:?} ends epoch {epoch} of {group} with requests under way until {until}"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
