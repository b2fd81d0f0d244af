//! Numbers drawn from a seed: the same seed, the same numbers, on every machine.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Seed(u64);

/// One that nobody has drawn from, short enough to be typed.
pub(crate) fn fresh() -> u64 {
    RandomState::new().hash_one(0) % 1_000_000_000
}

impl Seed {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// 0 to `count` - 1, each as likely.
    pub(crate) fn one_of(&mut self, count: u64) -> u64 {
        self.next() % count
    }

    /// Any time up to this, to the microsecond.
    pub(crate) fn up_to(&mut self, longest: Duration) -> Duration {
        Duration::from_micros(self.one_of(u64::try_from(longest.as_micros()).expect("short") + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_sequence() {
        let draw = |seed| (0..4).scan(Seed::new(seed), |seed, _| Some(seed.one_of(1000))).collect::<Vec<_>>();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(Seed::new(1).up_to(Duration::from_millis(1)) <= Duration::from_millis(1));
    }
}
