//! The timing of a lease. A timing that cannot be safe cannot be constructed.
//!
//! ```text
//!  sent ────────── ttl·(1−ε) − stop_budget ──────┬─ stop_budget ─┐            (holder's clock)
//!        lease holds, service may act            guard kills      dead
//!  read ───────────────────────────────── ttl·(1+ε) ────────────────────┤ expire (observer's clock)
//! ```

use core::fmt;
use core::time::Duration;
use serde::{Deserialize, Serialize};

/// Clock rates are within `1 ± EPSILON_PERCENT/100` of true time.
const EPSILON_PERCENT: u32 = 10;
/// Below this the kernel's own scheduling delays dominate.
const TTL_MIN: Duration = Duration::from_millis(200);
/// Above this nobody would call it a failover.
const TTL_MAX: Duration = Duration::from_secs(600);
/// The time a kill may take, at the least: freezing, reaping and unmapping a large process.
const STOP_BUDGET_MIN: Duration = Duration::from_millis(75);

/// Checked timing values of a lease.
///
/// ```
/// # use hotseat_core::Timing;
/// # use core::time::Duration;
/// assert_eq!(Timing::FAST.ttl(), Duration::from_millis(500));
/// assert!(Timing::of_ttl(Duration::from_millis(1)).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    ttl: Duration,
    renewal: Duration,
    store_timeout: Duration,
    stop_budget: Duration,
    /// Two parts of the time, as parts per hundred.
    epsilon_percent: u32,
}

/// Why a timing was refused: it could let two services act, or stop one without need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsafeTiming {
    /// `ttl` outside of 200 ms to 600 s.
    Ttl(Duration),
    /// ε outside of 1 % to 30 %.
    Epsilon(u32),
    /// `renewal + 2·store_timeout + stop_budget` exceeds `ttl·(1−ε)`: one slow write would end the lease.
    Sum {
        /// What the parts add up to.
        needed: Duration,
        /// `ttl·(1−ε)`.
        available: Duration,
    },
    /// A part is zero, or the stop budget is below 75 ms.
    Part(&'static str, Duration),
}

impl fmt::Display for UnsafeTiming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ttl(ttl) => write!(f, "ttl {ttl:?} is out of range: use 200ms to 600s"),
            Self::Epsilon(percent) => write!(f, "epsilon {percent} % is out of range: use 1 to 30"),
            Self::Sum { needed, available } => write!(
                f,
                "unsafe timing: renewal + 2·store_timeout + stop_budget = {needed:?} exceeds ttl·(1−ε) = {available:?}; \
                 raise ttl or lower the others"
            ),
            Self::Part(part, value) => write!(f, "{part} = {value:?} is too short"),
        }
    }
}

impl core::error::Error for UnsafeTiming {}

impl Timing {
    /// ttl 500 ms: one machine or one switch.
    pub const FAST: Self = Self::preset(Duration::from_millis(500));
    /// ttl 2 s: the default.
    pub const LAN: Self = Self::preset(Duration::from_secs(2));
    /// ttl 10 s: between sites.
    pub const WAN: Self = Self::preset(Duration::from_secs(10));
    /// ttl 15 s: stores that answer in hundreds of milliseconds.
    pub const OBJECT_STORE: Self = Self::preset(Duration::from_secs(15));

    const fn preset(ttl: Duration) -> Self {
        let tenth = Duration::from_nanos(ttl.as_nanos() as u64 / 10);
        let stop_budget = if tenth.as_nanos() > STOP_BUDGET_MIN.as_nanos() { tenth } else { STOP_BUDGET_MIN };
        Self {
            ttl,
            renewal: Duration::from_nanos(ttl.as_nanos() as u64 / 6),
            store_timeout: Duration::from_nanos(ttl.as_nanos() as u64 / 4),
            stop_budget,
            epsilon_percent: EPSILON_PERCENT,
        }
    }

    /// The usual proportions for a given `ttl`: renewal ttl/6, store time-out ttl/4, stop budget max(75 ms, ttl/10).
    ///
    /// # Errors
    /// [`UnsafeTiming`] when these cannot be safe together.
    pub fn of_ttl(ttl: Duration) -> Result<Self, UnsafeTiming> {
        if !(TTL_MIN..=TTL_MAX).contains(&ttl) {
            return Err(UnsafeTiming::Ttl(ttl));
        }
        Self::preset(ttl).checked()
    }

    /// Every part by hand; `epsilon_percent` is the bound on clock rate error in per cent.
    ///
    /// # Errors
    /// [`UnsafeTiming`] says which bound is broken.
    pub fn new(
        ttl: Duration,
        renewal: Duration,
        store_timeout: Duration,
        stop_budget: Duration,
        epsilon_percent: u32,
    ) -> Result<Self, UnsafeTiming> {
        Self { ttl, renewal, store_timeout, stop_budget, epsilon_percent }.checked()
    }

    fn checked(self) -> Result<Self, UnsafeTiming> {
        if !(TTL_MIN..=TTL_MAX).contains(&self.ttl) {
            return Err(UnsafeTiming::Ttl(self.ttl));
        }
        if !(1..=30).contains(&self.epsilon_percent) {
            return Err(UnsafeTiming::Epsilon(self.epsilon_percent));
        }
        for (part, value, least) in [
            ("renewal", self.renewal, Duration::from_millis(1)),
            ("store_timeout", self.store_timeout, Duration::from_millis(1)),
            ("stop_budget", self.stop_budget, STOP_BUDGET_MIN),
        ] {
            if value < least {
                return Err(UnsafeTiming::Part(part, value));
            }
        }
        // Checked one by one first, so that the sum cannot overflow.
        let available = self.ttl * (100 - self.epsilon_percent) / 100;
        for value in [self.renewal, self.store_timeout, self.stop_budget] {
            if value > available {
                return Err(UnsafeTiming::Sum { needed: value, available });
            }
        }
        let needed = self.renewal + 2 * self.store_timeout + self.stop_budget;
        if needed > available { Err(UnsafeTiming::Sum { needed, available }) } else { Ok(self) }
    }

    /// How long a lease lasts, in true time, at the most.
    #[must_use]
    pub const fn ttl(&self) -> Duration {
        self.ttl
    }
    /// Time between renewals.
    #[must_use]
    pub const fn renewal(&self) -> Duration {
        self.renewal
    }
    /// After this a store call counts as unanswered.
    #[must_use]
    pub const fn store_timeout(&self) -> Duration {
        self.store_timeout
    }
    /// Time a kill of the whole tree may take.
    #[must_use]
    pub const fn stop_budget(&self) -> Duration {
        self.stop_budget
    }
    /// How long after the send of an acknowledged renewal the guard kills: `ttl·(1−ε) − stop_budget`.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.ttl * (100 - self.epsilon_percent) / 100 - self.stop_budget
    }
    /// Time between two looks at the store: a third of the renewal interval. Hints make it sooner.
    #[must_use]
    pub fn look(&self) -> Duration {
        self.renewal / 3
    }
    /// What others need to know of it; it travels in the session record (A7).
    #[must_use]
    pub fn promise(&self) -> Promise {
        Promise { ttl_ns: self.ttl.as_nanos() as u64, epsilon_percent: self.epsilon_percent }
    }
}

/// What a session promises: it is dead after `ttl` of true time without a renewal. Observers use the
/// record's, never their own configuration (A7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// The ttl in nanoseconds.
    pub ttl_ns: u64,
    /// ε in per cent.
    pub epsilon_percent: u32,
}

impl Promise {
    /// How long an observer must see silence before it may expire the session: `ttl·(1+ε)`.
    #[must_use]
    pub fn silence(&self) -> Duration {
        Duration::from_nanos(self.ttl_ns) * (100 + self.epsilon_percent.min(100)) / 100
    }

    /// How long after a renewal was sent everything of the session is dead, by the holder's clock: `ttl·(1−ε)`.
    #[must_use]
    pub fn life(&self) -> Duration {
        Duration::from_nanos(self.ttl_ns) * (100 - self.epsilon_percent.min(100)) / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn presets_are_safe() {
        for timing in [Timing::FAST, Timing::LAN, Timing::WAN, Timing::OBJECT_STORE] {
            assert_eq!(timing.checked(), Ok(timing));
        }
    }

    #[test]
    fn unsafe_timing_cannot_be_made() {
        assert!(matches!(Timing::of_ttl(MS(100)), Err(UnsafeTiming::Ttl(_))));
        assert!(matches!(Timing::of_ttl(MS(200)), Err(UnsafeTiming::Sum { .. })));
        assert!(Timing::of_ttl(MS(350)).is_ok());
        let slow_store = Timing::new(MS(500), MS(83), MS(200), MS(75), 10);
        assert!(matches!(slow_store, Err(UnsafeTiming::Sum { .. })));
        let no_budget = Timing::new(MS(500), MS(83), MS(125), MS(0), 10);
        assert!(matches!(no_budget, Err(UnsafeTiming::Part("stop_budget", _))));
        let endless = Timing::new(MS(500), Duration::MAX, MS(125), MS(75), 10);
        assert!(matches!(endless, Err(UnsafeTiming::Sum { .. })));
    }

    #[test]
    fn the_lease_ends_before_an_observer_may_act() {
        for timing in [Timing::FAST, Timing::LAN, Timing::WAN, Timing::OBJECT_STORE] {
            let slowest_holder = (timing.lease() + timing.stop_budget()) * 100 / 90;
            let fastest_observer = timing.promise().silence() * 100 / 110;
            assert!(slowest_holder <= fastest_observer);
        }
    }
}
