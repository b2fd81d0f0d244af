//! A machine's own clock: true time at a rate of its own, from an origin of its own. It never goes back.

use hotseat_core::Instant;

/// One millisecond of true time, in nanoseconds.
pub const MS: u64 = 1_000_000;
/// One second of true time, in nanoseconds.
pub const SECOND: u64 = 1000 * MS;

/// `CLOCK_BOOTTIME` of one machine.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// How much of its time passes in 1000 units of true time; within 1000·(1±ε).
    pub per_mille: u64,
    /// What it showed when the machine came up.
    pub offset: u64,
    /// When that was, in true time.
    pub booted: u64,
}

impl Clock {
    /// What it shows at this true time.
    #[must_use]
    pub fn local(&self, at: u64) -> Instant {
        Instant::from_nanos(self.offset + at.saturating_sub(self.booted) * self.per_mille / 1000)
    }

    /// The first true time at which it shows this, or later.
    #[must_use]
    pub fn when(&self, local: Instant) -> u64 {
        let passed = local.as_nanos().saturating_sub(self.offset);
        self.booted + passed.saturating_mul(1000).div_ceil(self.per_mille)
    }

    /// How long it takes in true time until so much of its own has passed; rounded down.
    #[must_use]
    pub const fn truly(&self, own: u64) -> u64 {
        own * 1000 / self.per_mille
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for per_mille in [901, 1000, 1099] {
            let clock = Clock { per_mille, offset: 777, booted: 3 * SECOND };
            for at in [3 * SECOND, 3 * SECOND + 1, 9 * SECOND + 17] {
                let local = clock.local(at);
                assert!(clock.when(local) <= at && clock.local(clock.when(local)) >= local);
            }
        }
    }
}
