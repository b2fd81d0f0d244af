//! Health with hysteresis: so many failures in a row make it bad, so many successes make it good again.
//!
//! ```text
//!            fail × max_check_attempts
//!   healthy ───────────────────────────> unhealthy
//!      ^                                     │
//!      └─────────────────────────────────────┘
//!            success × recover
//! ```

/// How many in a row it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthLimits {
    /// Failures in a row until unhealthy; at least 1.
    pub max_check_attempts: u32,
    /// Successes in a row until healthy again; at least 1.
    pub recover: u32,
}

/// The health of one run of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    limits: HealthLimits,
    healthy: bool,
    /// Results in a row that speak against the present state.
    against: u32,
}

impl Health {
    /// Healthy until shown otherwise.
    #[must_use]
    pub const fn new(limits: HealthLimits) -> Self {
        Self { limits, healthy: true, against: 0 }
    }

    /// Takes a result; says whether the state is now healthy.
    pub fn take(&mut self, ok: bool) -> bool {
        if ok == self.healthy {
            self.against = 0;
            return self.healthy;
        }
        self.against += 1;
        let limit = if self.healthy { self.limits.max_check_attempts } else { self.limits.recover };
        if self.against >= limit.max(1) {
            self.healthy = ok;
            self.against = 0;
        }
        self.healthy
    }

    /// Whether it is healthy.
    #[must_use]
    pub const fn healthy(&self) -> bool {
        self.healthy
    }

    /// Failures in a row while still healthy.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        if self.healthy { self.against } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(results: &str, expected: &str) {
        let mut health = Health::new(HealthLimits { max_check_attempts: 3, recover: 2 });
        let states: alloc::string::String =
            results.chars().map(|c| if health.take(c == '+') { 'H' } else { 'u' }).collect();
        assert_eq!(states, expected, "after {results}");
    }

    #[test]
    fn three_in_a_row_make_it_bad_two_make_it_good() {
        check("+++", "HHH");
        check("--+--+", "HHHHHH");
        check("---", "HHu");
        check("----+-++", "HHuuuuuH");
        check("---++--+", "HHuuHHHH");
    }
}
