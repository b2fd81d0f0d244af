//! Receivers that do not take what they are told, for whoever looks at the status. Cheap to clone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::ledger::State;
use super::post::Outcome;

/// See the module. By the name of the `[[alert]]`; one that takes something again is out.
#[derive(Clone, Debug, Default)]
pub(super) struct Stuck(Arc<Mutex<BTreeMap<String, String>>>);

impl Stuck {
    /// What came of a try.
    pub(super) fn note(&self, outcome: &Outcome) {
        let Outcome { parcel, state, tries, answer } = outcome;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let words = match state {
            State::Sent => {
                all.remove(&parcel.name);
                return;
            }
            State::Sending => format!("does not get through, try {tries}: {answer}"),
            State::Failed => format!("has given up a message after {tries} tries: {answer}"),
        };
        all.insert(parcel.name.clone(), format!("alert \"{}\" {words}", parcel.name));
    }

    /// One line for each.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
