//! What this node was, and since when, in each group: AMP's clients ask for it. It follows the picture until the agent
//! ends, and forgets it then, as AMP does.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use hotseat_core::GroupId;
use serde::Serialize;
use tokio::sync::watch;

use super::states::epoch_millis;
use super::words;
use crate::snapshot::Snapshot;

/// States that are kept of a group: as many as AMP keeps.
const STATES_MAX: usize = 200;

/// One state of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Spell {
    state: &'static str,
    /// When it began, in milliseconds since 1970.
    timestamp: u64,
}

/// See the module. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct History(Arc<Mutex<BTreeMap<GroupId, VecDeque<Spell>>>>);

impl History {
    /// Follows these pictures from now on.
    pub(super) fn follow(mut shown: watch::Receiver<Arc<Snapshot>>) -> Self {
        let history = Self::default();
        let own = history.clone();
        tokio::spawn(async move {
            loop {
                let snapshot = Arc::clone(&shown.borrow_and_update());
                for group in &snapshot.view.groups {
                    own.note(&group.id, words::own_state(&snapshot, group), epoch_millis());
                }
                if shown.changed().await.is_err() {
                    return;
                }
            }
        });
        history
    }

    fn note(&self, group: &GroupId, state: &'static str, now: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spells = all.entry(group.clone()).or_default();
        if spells.front().is_none_or(|newest| newest.state != state) {
            spells.push_front(Spell { state, timestamp: now });
            spells.truncate(STATES_MAX);
        }
    }

    /// The newest first.
    pub(super) fn of(&self, group: &GroupId) -> Vec<Spell> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(group).into_iter().flatten().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_is_kept_and_no_more_than_in_amp() {
        let (history, web) = (History::default(), GroupId::new("web").expect("an id"));
        assert_eq!(history.of(&web), []);
        for (now, state) in [(1, "STANDBY"), (2, "STANDBY"), (3, "MASTER")] {
            history.note(&web, state, now);
        }
        let spell = |state, timestamp| Spell { state, timestamp };
        assert_eq!(history.of(&web), [spell("MASTER", 3), spell("STANDBY", 1)]);
        for now in 4..500 {
            history.note(&web, if now % 2 == 0 { "STANDBY" } else { "MASTER" }, now);
        }
        assert_eq!((history.of(&web).len(), history.of(&web)[0]), (STATES_MAX, spell("MASTER", 499)));
    }
}
