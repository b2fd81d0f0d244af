//! What the voters have acknowledged of one session's renewals, and what lease that justifies.
//!
//! The lease runs from the newest send that a majority has acknowledged with that number or a later one (B1); so
//! answers that come late, twice or out of order are harmless. It never reads an answer's own time.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use crate::id::VoterId;
use crate::time::Instant;

/// Sends remembered: ten leases' worth. An answer to an older one would justify a lease that is over.
const SENT_MAX: usize = 64;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    seq: u64,
    sent: VecDeque<(u64, Instant)>,
    acked: BTreeMap<VoterId, u64>,
}

impl Tally {
    /// Notes an attempt that is sent now; gives its number.
    pub(crate) fn send(&mut self, now: Instant) -> u64 {
        self.seq += 1;
        if self.sent.len() == SENT_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back((self.seq, now));
        self.seq
    }

    /// The number of the newest attempt.
    pub(crate) fn newest(&self) -> u64 {
        self.seq
    }

    /// A voter has heard this attempt. What was never sent is nobody's answer.
    pub(crate) fn heard(&mut self, voter: VoterId, seq: u64) {
        if seq <= self.seq {
            let acked = self.acked.entry(voter).or_default();
            *acked = seq.max(*acked);
        }
    }

    /// When the newest attempt was sent that `needed` of the set have acknowledged with its number or a later one.
    pub(crate) fn justified(&self, set: &BTreeSet<VoterId>, needed: usize) -> Option<Instant> {
        let mut acked: Vec<u64> = set.iter().filter_map(|voter| self.acked.get(voter).copied()).collect();
        acked.sort_unstable_by(|a, b| b.cmp(a));
        let seq = *acked.get(needed.checked_sub(1)?)?;
        self.sent.iter().find(|(sent, _)| *sent == seq).map(|(_, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn a_lease_counts_from_the_newest_send_that_a_majority_heard() {
        let set: BTreeSet<_> = [1, 2, 3].map(VoterId).into();
        let mut tally = Tally::default();
        for ms in [10, 20, 30] {
            tally.send(at(ms));
        }
        tally.heard(VoterId(1), 3);
        assert_eq!(tally.justified(&set, 2), None);
        tally.heard(VoterId(2), 1);
        assert_eq!(tally.justified(&set, 2), Some(at(10)), "the second of three heard only the first");
        tally.heard(VoterId(2), 2);
        tally.heard(VoterId(2), 1);
        assert_eq!(tally.justified(&set, 2), Some(at(20)), "late answers take nothing back");
        tally.heard(VoterId(9), 3);
        assert_eq!(tally.justified(&set, 2), Some(at(20)), "a stranger does not count");
        tally.heard(VoterId(3), 99);
        assert_eq!(tally.justified(&set, 2), Some(at(20)), "nobody hears what was not sent");
    }
}
