//! The ways between machines, each direction on its own: open, cut, or slow. It knows nothing of who is up.

use std::collections::{BTreeMap, BTreeSet};

/// From one machine to another.
pub(crate) type Way = (usize, usize);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Links {
    cut: BTreeSet<Way>,
    slow: BTreeMap<Way, u64>,
}

impl Links {
    /// Whether what is sent gets there.
    pub(crate) fn passes(&self, way: Way) -> bool {
        !self.cut.contains(&way)
    }

    /// How much longer than usual it takes.
    pub(crate) fn extra(&self, way: Way) -> u64 {
        self.slow.get(&way).copied().unwrap_or_default()
    }

    pub(crate) fn cut(&mut self, way: Way) {
        self.cut.insert(way);
    }

    pub(crate) fn join(&mut self, way: Way) {
        self.cut.remove(&way);
    }

    /// What is sent from now on takes so much longer; what is under way already does not.
    pub(crate) fn slow(&mut self, way: Way, extra: u64) {
        self.slow.insert(way, extra);
    }

    /// As new.
    pub(crate) fn mend(&mut self) {
        *self = Self::default();
    }
}
