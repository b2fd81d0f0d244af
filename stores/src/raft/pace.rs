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
    /// Below this, two cores that compile take heartbeats for missing; and at rest, heartbeats are most of what a member
    /// does: each is a round trip to every other one.
    const HEARTBEAT_MIN: Duration = Duration::from_millis(40);

    /// The pace for leases of `ttl`: a new leader of the log is there long before a lease has run out.
    pub fn of(ttl: Duration) -> Pace {
        let heartbeat = (ttl / 20).max(Self::HEARTBEAT_MIN);
        Pace { heartbeat, election_min: heartbeat * 3, election_max: heartbeat * 9 / 2 }
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
        assert_eq!(Pace::of(Duration::from_millis(500)), pace(40, 120, 180));
        assert_eq!(Pace::of(Duration::from_secs(2)), pace(100, 300, 450));
        assert_eq!(Pace::of(Duration::from_secs(10)), pace(500, 1500, 2250));
    }
}
