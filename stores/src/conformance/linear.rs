//! A checker in the manner of Wing and Gong: could these calls, each done at one instant between
//! its begin and its end, have been answered like this by one register with compare-and-swap?
//!
//! A read may be stale, so it may be of any instant before its end. A write whose outcome is
//! unknown may be done at any instant after its begin, or never. It searches; it never guesses.

use std::collections::HashSet;

/// One call, as it was seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    /// When it was called, on a clock all callers share.
    pub begun: u64,
    /// When it was answered.
    pub ended: u64,
    /// What was asked and answered.
    pub did: Did,
}

/// What was asked and answered. Version 0 is a record that is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    /// A read saw this version, written by this attempt.
    Read {
        /// The version.
        version: u64,
        /// Who wrote it; 0 if absent.
        nonce: u128,
    },
    /// A write over this version.
    Swap {
        /// The version expected.
        expect: u64,
        /// The attempt.
        nonce: u128,
        /// What it was told.
        answer: Answer,
    },
}

/// What a write was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It made this version.
    Applied(u64),
    /// It was refused.
    Refused,
    /// Nothing.
    Unknown,
}

/// As many calls as a set of bits holds; per record, that is enough for every race worth having.
pub(super) const OPS_MAX: usize = 128;

/// The register: its version, and who wrote it.
type Register = (u64, u128);

/// Whether there is an order that explains the calls, from an absent record on.
///
/// # Panics
/// With more than [`OPS_MAX`] calls.
pub fn linearizable(ops: &[Op]) -> bool {
    assert!(ops.len() <= OPS_MAX, "{} calls are too many for the checker", ops.len());
    let mut search = Search { ops, seen: HashSet::new() };
    search.from(0, (0, 0))
}

struct Search<'a> {
    ops: &'a [Op],
    seen: HashSet<(u128, Register)>,
}

impl Search<'_> {
    /// Whether the calls not in `done` can follow when the register is `now`.
    fn from(&mut self, done: u128, now: Register) -> bool {
        let done = self.take_idle(done, now);
        let left = (0..self.ops.len()).filter(|n| done & bit(*n) == 0);
        if left.clone().all(|n| self.ops[n].is_unknown()) {
            return true;
        }
        if !self.seen.insert((done, now)) {
            return false;
        }
        let next: Vec<(usize, Register)> =
            left.filter(|n| self.may_be_next(done, *n)).filter_map(|n| Some((n, self.ops[n].changes(now)?))).collect();
        next.into_iter().any(|(n, after)| self.from(done | bit(n), after))
    }

    /// Takes every call that this register explains and that does not change it: taking those first
    /// never spoils an order.
    fn take_idle(&self, mut done: u128, now: Register) -> u128 {
        loop {
            let next = (0..self.ops.len())
                .find(|n| done & bit(*n) == 0 && self.may_be_next(done, *n) && self.ops[*n].is_explained_idle(now));
            match next {
                Some(n) => done |= bit(n),
                None => return done,
            }
        }
    }

    /// No call that is left ended before this one began.
    fn may_be_next(&self, done: u128, n: usize) -> bool {
        let begun = self.ops[n].earliest();
        let mut left = self.ops.iter().enumerate().filter(|(m, _)| done & bit(*m) == 0);
        left.all(|(_, other)| other.latest() >= begun)
    }
}

impl Op {
    fn is_unknown(&self) -> bool {
        matches!(self.did, Did::Swap { answer: Answer::Unknown, .. })
    }

    fn earliest(&self) -> u64 {
        if matches!(self.did, Did::Read { .. }) { 0 } else { self.begun }
    }

    fn latest(&self) -> u64 {
        if self.is_unknown() { u64::MAX } else { self.ended }
    }

    fn is_explained_idle(&self, now: Register) -> bool {
        match self.did {
            Did::Read { version, nonce } => now == (version, nonce),
            Did::Swap { expect, answer: Answer::Refused, .. } => now.0 != expect,
            // Its version is over for good: it never was and never will be applied. Taking it out
            // keeps the search from trying every way in which it was not.
            Did::Swap { expect, answer: Answer::Unknown, .. } => now.0 > expect,
            Did::Swap { answer: Answer::Applied(_), .. } => false,
        }
    }

    /// The register after it, if it would be applied to this one and was answered so.
    fn changes(&self, now: Register) -> Option<Register> {
        let Did::Swap { expect, nonce, answer } = self.did else {
            return None;
        };
        let made = expect + 1;
        let told = matches!(answer, Answer::Unknown) || answer == Answer::Applied(made);
        (now.0 == expect && told).then_some((made, nonce))
    }
}

fn bit(n: usize) -> u128 {
    1 << n
}

#[cfg(test)]
mod tests {
    use super::*;
    use Answer::{Applied, Refused, Unknown};

    fn swap(begun: u64, ended: u64, expect: u64, nonce: u128, answer: Answer) -> Op {
        Op { begun, ended, did: Did::Swap { expect, nonce, answer } }
    }

    fn read(begun: u64, ended: u64, version: u64, nonce: u128) -> Op {
        Op { begun, ended, did: Did::Read { version, nonce } }
    }

    #[test]
    fn accepts_what_one_register_could_have_answered() {
        let histories: [&[Op]; 7] = [
            &[],
            &[swap(0, 1, 0, 1, Applied(1)), swap(2, 3, 1, 2, Applied(2)), read(4, 5, 2, 2)],
            // Overlapping: the later one to begin may be the first.
            &[swap(0, 9, 1, 2, Applied(2)), swap(1, 2, 0, 1, Applied(1))],
            // Two race, one loses.
            &[swap(0, 5, 0, 1, Applied(1)), swap(0, 5, 0, 2, Refused)],
            // A stale read.
            &[swap(0, 1, 0, 1, Applied(1)), swap(2, 3, 1, 2, Applied(2)), read(4, 5, 1, 1), read(6, 7, 0, 0)],
            // Unknown, and landed long after.
            &[swap(0, 1, 0, 1, Unknown), read(2, 3, 0, 0), swap(4, 5, 1, 2, Refused), read(6, 7, 1, 1)],
            // Unknown, and never landed.
            &[swap(0, 1, 0, 1, Unknown), swap(2, 3, 0, 2, Applied(1)), read(4, 5, 1, 2)],
        ];
        for history in histories {
            assert!(linearizable(history), "{history:?}");
        }
    }

    #[test]
    fn rejects_what_none_could() {
        let histories: [&[Op]; 8] = [
            // Two winners.
            &[swap(0, 5, 0, 1, Applied(1)), swap(0, 5, 0, 2, Applied(1))],
            // Nobody wins.
            &[swap(0, 5, 0, 1, Refused)],
            // A refused write is seen.
            &[swap(0, 1, 0, 1, Applied(1)), swap(2, 3, 1, 2, Refused), read(4, 5, 2, 2)],
            // An acknowledged write is lost: its version is made again.
            &[swap(0, 1, 0, 1, Applied(1)), swap(2, 3, 0, 2, Applied(1))],
            // A read from the future.
            &[read(0, 1, 1, 1), swap(2, 3, 0, 1, Applied(1))],
            // The order of two calls, one after the other, is turned round.
            &[swap(0, 1, 1, 2, Applied(2)), swap(2, 3, 0, 1, Applied(1))],
            // A version is left out.
            &[swap(0, 1, 0, 1, Applied(2))],
            // Unknown cannot be both there and not there.
            &[swap(0, 1, 0, 1, Unknown), swap(2, 3, 0, 2, Applied(1)), read(4, 5, 1, 1)],
        ];
        for history in histories {
            assert!(!linearizable(history), "{history:?}");
        }
    }
}
