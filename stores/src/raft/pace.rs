//! How fast the members of a cluster notice that their leader is gone.
//!
//! A pace never decides who may act: leases do, and they are longer.

use std::time::Duration;

/// The three times of an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How often a leader says that it is there.
    pub heartbeat: Duration,
    /// The shortest silence after which a follower tries to lead.
    pub election_min: Duration,
    /// The longest; also for how long a leader that hears no majority takes on new writes.
    pub election_max: Duration,
}

impl Pace {
    /// Below this, two cores that compile take heartbeats for missing.
    const HEARTBEAT_MIN: Duration = Duration::from_millis(30);
    const ELECTION_MIN_MIN: Duration = Duration::from_millis(100);
    const ELECTION_MAX_MIN: Duration = Duration::from_millis(150);

    /// The pace for leases of `ttl`: a new leader of the log is there long before a lease has run out.
    pub fn of(ttl: Duration) -> Pace {
        let heartbeat = ttl / 20;
        Pace {
            heartbeat: heartbeat.max(Self::HEARTBEAT_MIN),
            election_min: (heartbeat * 3).max(Self::ELECTION_MIN_MIN),
            election_max: (heartbeat * 9 / 2).max(Self::ELECTION_MAX_MIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_timings_have_the_paces_they_were_measured_with() {
        let pace = |heartbeat, min, max| Pace {
            heartbeat: Duration::from_millis(heartbeat),
            election_min: Duration::from_millis(min),
            election_max: Duration::from_millis(max),
        };
        assert_eq!(Pace::of(Duration::from_millis(500)), pace(30, 100, 150));
        assert_eq!(Pace::of(Duration::from_secs(2)), pace(100, 300, 450));
        assert_eq!(Pace::of(Duration::from_secs(10)), pace(500, 1500, 2250));
    }
}
