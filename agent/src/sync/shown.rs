//! What is to be seen of the groups' files, for everybody who asks this agent. Only the keepers write it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use hotseat_client as wire;
use hotseat_core::GroupId;

/// See the module. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<BTreeMap<GroupId, Arc<wire::Sync>>>>);

impl Board {
    /// What is known of a group; none: it keeps no files the same, or was not looked at yet.
    #[must_use]
    pub fn of(&self, group: &GroupId) -> Option<Arc<wire::Sync>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(group).cloned()
    }

    /// Where its members differ.
    #[must_use]
    pub fn drift(&self, group: &GroupId) -> Vec<wire::Drift> {
        self.of(group).map_or_else(Vec::new, |shown| shown.drift.clone())
    }

    /// Why the leader sends nothing, if that is so.
    #[must_use]
    pub fn held(&self, group: &GroupId) -> Option<String> {
        self.of(group)?.held.clone()
    }

    /// Shows this in place of what was shown before, which is the answer.
    pub(super) fn show(&self, group: &GroupId, shown: wire::Sync) -> Option<Arc<wire::Sync>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(group.clone(), Arc::new(shown))
    }
}
