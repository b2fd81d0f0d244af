//! The store: linearizable compare-and-swap on single records, and a list that is *not* one snapshot.
//!
//! It keeps what every record was, so that a read may be given the past. It never loses an applied
//! write. Its one mistake on demand: versions that start again (`version reused`, A6).

use std::collections::{BTreeMap, VecDeque};

use hotseat_core::{Expect, Key, Look, Outcome, Record, SessionRecord, SessionState, Version};

/// Past values kept per record; a read older than these gets the oldest kept.
const PAST_MAX: usize = 64;

#[derive(Debug)]
struct Value {
    at: u64,
    version: Version,
    record: Record,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Store {
    cells: BTreeMap<Key, VecDeque<Value>>,
    /// Mutant: a version may come again.
    reuses_versions: bool,
}

impl Store {
    /// Empty.
    #[must_use]
    pub(crate) fn new(reuses_versions: bool) -> Self {
        Self { reuses_versions, ..Self::default() }
    }

    /// What stands there now.
    #[must_use]
    pub(crate) fn now(&self, key: &Key) -> Option<(Version, &Record)> {
        self.cells.get(key)?.back().map(|value| (value.version, &value.record))
    }

    /// Every session record that stands now.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = &SessionRecord> {
        self.cells.values().filter_map(|cell| match &cell.back()?.record {
            Record::Session(record) => Some(record),
            Record::Group(_) | Record::Orders(_) | Record::Voters(_) => None,
        })
    }

    /// Compares and swaps.
    pub(crate) fn apply(&mut self, at: u64, key: &Key, expect: Expect, record: Record) -> Outcome {
        let standing = self.now(key).map(|(version, _)| version);
        let holds = match expect {
            Expect::Absent => standing.is_none(),
            Expect::Version(version) => standing == Some(version),
            Expect::Anything => true,
        };
        if !holds {
            return Outcome::Refused;
        }
        let version =
            if self.reuses_versions && starts_over(&record) { Version(1) } else { standing.unwrap_or_default().next() };
        let cell = self.cells.entry(key.clone()).or_default();
        if cell.len() == PAST_MAX {
            cell.pop_front();
        }
        cell.push_back(Value { at, version, record });
        Outcome::Applied(version)
    }

    /// What each record was at the instant that `when` gives for it.
    pub(crate) fn list(&self, began: hotseat_core::Instant, mut when: impl FnMut(&Key) -> u64) -> Look {
        let mut records = BTreeMap::new();
        for (key, cell) in &self.cells {
            let at = when(key);
            let was = cell.iter().rev().find(|value| value.at <= at);
            if let Some(value) = was {
                records.insert(key.clone(), (value.version, Ok(value.record.clone())));
            }
        }
        Look { began, records }
    }
}

/// A record after which a careless store would count from one again: deleted, then created.
fn starts_over(record: &Record) -> bool {
    match record {
        Record::Group(group) => group.leader.is_none(),
        Record::Session(session) => session.state == SessionState::Alive && session.seq == 1,
        Record::Orders(_) | Record::Voters(_) => false,
    }
}
