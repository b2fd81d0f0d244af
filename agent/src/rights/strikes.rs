//! Who does again and again what is refused: shows tokens that are none, wants what is not theirs. Nobody can guess a token,
//! so nobody who has the right one is ever kept waiting; what is bounded is the work and the noise that this makes, for each
//! address and for all together.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::places::network;

/// Mistakes that cost nothing: a token that was mistyped, a script that was not told of a new one.
const FREE: u32 = 10;

/// The pause after the first mistake too many; each further one doubles it…
const PAUSE: Duration = Duration::from_secs(1);

/// …up to this.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// Who made no mistake for so long after a pause begins anew.
const FORGIVEN_AFTER: Duration = Duration::from_secs(600);

/// Addresses remembered one by one; those beyond share one place.
const ADDRESSES_MAX: usize = 1024;

/// What is to be done about one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Say so, and write it down; so many were not since the last one that was.
    Told {
        /// How many.
        unsaid: u64,
    },
    /// A pause is running: say only when it ends.
    Held {
        /// In so many seconds.
        seconds: u64,
    },
}

struct Strike {
    count: u32,
    until: Instant,
    unsaid: u64,
}

/// See the module.
#[derive(Default)]
pub(super) struct Strikes {
    known: Mutex<HashMap<Option<IpAddr>, Strike>>,
}

impl Strikes {
    /// Somebody there did it once more.
    pub(super) fn strike(&self, from: Option<IpAddr>, now: Instant) -> Verdict {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = from.map(network);
        if !known.contains_key(&key) && known.len() >= ADDRESSES_MAX {
            known.retain(|_, strike| now < strike.until + FORGIVEN_AFTER);
            if known.len() >= ADDRESSES_MAX {
                key = None;
            }
        }
        known.entry(key).or_insert_with(|| Strike { count: 0, until: now, unsaid: 0 }).more(now)
    }
}

impl Strike {
    fn more(&mut self, now: Instant) -> Verdict {
        if now < self.until {
            self.unsaid += 1;
            return Verdict::Held { seconds: (self.until - now).as_secs() + 1 };
        }
        if now >= self.until + FORGIVEN_AFTER {
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.until = now + self.pause();
        Verdict::Told { unsaid: std::mem::take(&mut self.unsaid) }
    }

    fn pause(&self) -> Duration {
        match self.count.checked_sub(FREE + 1) {
            None => Duration::ZERO,
            Some(beyond) => PAUSE.saturating_mul(1 << beyond.min(16)).min(PAUSE_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "10.0.0.1";

    fn strike(strikes: &Strikes, from: &str, now: Instant) -> Verdict {
        strikes.strike(Some(from.parse().expect("an address")), now)
    }

    #[test]
    fn pauses_grow_for_who_goes_on_and_nobody_else_waits() {
        let (strikes, start) = (Strikes::default(), Instant::now());
        for _ in 0..=FREE {
            assert_eq!(strike(&strikes, ONE, start), Verdict::Told { unsaid: 0 });
        }
        assert_eq!(strike(&strikes, ONE, start), Verdict::Held { seconds: 2 });
        assert_eq!(strike(&strikes, "10.0.0.2", start), Verdict::Told { unsaid: 0 });
        let mut now = start + PAUSE;
        assert_eq!(strike(&strikes, ONE, now), Verdict::Told { unsaid: 1 });
        assert_eq!(strike(&strikes, ONE, now + PAUSE), Verdict::Held { seconds: 2 }, "twice as long");
        for _ in 0..20 {
            now += PAUSE_MAX;
            assert!(matches!(strike(&strikes, ONE, now), Verdict::Told { .. }));
        }
        let Verdict::Held { seconds } = strike(&strikes, ONE, now) else { panic!("a pause") };
        assert_eq!(Duration::from_secs(seconds - 1), PAUSE_MAX);
        now += PAUSE_MAX + FORGIVEN_AFTER;
        for _ in 0..FREE {
            assert!(matches!(strike(&strikes, ONE, now), Verdict::Told { .. }), "forgiven");
        }
    }

    #[test]
    fn memory_is_bounded_and_the_many_share_a_place() {
        let (strikes, now) = (Strikes::default(), Instant::now());
        for number in 0..10 * u32::try_from(ADDRESSES_MAX).expect("it fits") {
            strike(&strikes, &std::net::Ipv4Addr::from(number).to_string(), now);
        }
        assert!(strikes.known.lock().expect("whole").len() <= ADDRESSES_MAX + 1);
        assert!(matches!(strike(&strikes, "192.168.0.1", now), Verdict::Held { .. }));
        assert!(matches!(strike(&strikes, "192.168.0.1", now + PAUSE_MAX + FORGIVEN_AFTER), Verdict::Told { .. }));
    }

    #[test]
    fn a_machine_with_many_addresses_is_one() {
        let (strikes, now) = (Strikes::default(), Instant::now());
        for number in 0..=FREE {
            strike(&strikes, &format!("2001:db8::{number:x}"), now);
        }
        assert!(matches!(strike(&strikes, "2001:db8::ffff", now), Verdict::Held { .. }));
        assert!(matches!(strike(&strikes, "2001:db8:0:1::1", now), Verdict::Told { .. }));
    }
}
