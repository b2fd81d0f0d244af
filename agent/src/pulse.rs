//! What every renewal changes, beside the picture: until when this node may act, and that its loop turns. It is what
//! makes a new picture unnecessary then.
//!
//! A pulse belongs to one session, or to none: an old picture never comes to life with the next session's lease.

use std::sync::atomic::{AtomicU64, Ordering};

use hotseat_core::{Instant, Lease, SessionId};

use crate::clock;

/// See the module. Its fields are read one by one: each is true of some step, and none is ever too late a time.
#[derive(Debug)]
pub struct Pulse {
    session: Option<SessionId>,
    until: AtomicU64,
    renewed: AtomicU64,
    turned: AtomicU64,
}

impl Pulse {
    /// Of the session that holds this lease, as of now.
    #[must_use]
    pub fn new(lease: Option<Lease>, now: Instant) -> Self {
        let pulse = Self {
            session: lease.map(|lease| lease.session),
            until: AtomicU64::new(0),
            renewed: AtomicU64::new(0),
            turned: AtomicU64::new(0),
        };
        pulse.beat(lease, now);
        pulse
    }

    /// The loop has turned. Says whether this is still the pulse of whoever holds the lease: a new one is due if not,
    /// and nobody may act by this one any more.
    pub fn beat(&self, lease: Option<Lease>, now: Instant) -> bool {
        self.turned.store(now.as_nanos(), Ordering::Relaxed);
        let own = lease.filter(|lease| Some(lease.session) == self.session);
        self.until.store(own.map_or(0, |lease| lease.until.as_nanos()), Ordering::Relaxed);
        self.renewed.store(own.map_or(0, |lease| lease.renewed.as_nanos()), Ordering::Relaxed);
        lease.map(|lease| lease.session) == self.session
    }

    /// Whether this node may act. Asks the clock, so that a loop that hangs cannot make it lie.
    #[must_use]
    pub fn leased(&self) -> bool {
        self.lease_until().is_some_and(|until| clock::now() < until)
    }

    /// When the lease ends unless renewed.
    #[must_use]
    pub fn lease_until(&self) -> Option<Instant> {
        time(&self.until)
    }

    /// When the newest acknowledged renewal was sent.
    #[must_use]
    pub fn renewed(&self) -> Option<Instant> {
        time(&self.renewed)
    }

    /// When the loop turned last.
    #[must_use]
    pub fn turned(&self) -> Instant {
        Instant::from_nanos(self.turned.load(Ordering::Relaxed))
    }
}

/// No machine takes a step in the nanosecond it boots: 0 stands for "never".
fn time(at: &AtomicU64) -> Option<Instant> {
    Some(at.load(Ordering::Relaxed)).filter(|nanos| *nanos > 0).map(Instant::from_nanos)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hotseat_core::Nonce;

    use super::*;

    fn lease(ordinal: u64, until: Instant) -> Lease {
        Lease { session: SessionId { ordinal, id: Nonce(1) }, until, renewed: Instant::from_nanos(7) }
    }

    #[test]
    fn a_renewal_moves_the_lease_and_another_session_ends_it() {
        let now = clock::now();
        let later = now + Duration::from_secs(3600);
        let pulse = Pulse::new(Some(lease(1, now)), now);
        assert!(!pulse.leased(), "a lease that has run out");
        assert!(pulse.beat(Some(lease(1, later)), now));
        assert!(pulse.leased());
        assert!(!pulse.beat(Some(lease(2, later)), now), "it is another session's now");
        assert!(!pulse.leased() && pulse.renewed().is_none());
        assert!(!Pulse::new(Some(lease(1, later)), now).beat(None, now), "the session is over");
        assert!(Pulse::new(None, now).beat(None, later), "no session before, none now");
    }
}
