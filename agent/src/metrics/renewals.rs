//! This node's own renewals, followed from their sending: which were acknowledged and how, which never. The loop owns it.

use std::collections::VecDeque;
use std::time::Duration;

use hotseat_core::{Instant, Lease};

use super::Counts;

/// Renewals that are followed at a time: ten leases' worth. An older one is missed.
const UNDER_WAY_MAX: usize = 64;

/// See the module.
#[derive(Debug)]
pub struct Renewals {
    counts: Counts,
    /// When those were sent that nobody has acknowledged yet, oldest first.
    under_way: VecDeque<Instant>,
    lease: Option<Lease>,
}

impl Renewals {
    /// Counts there.
    #[must_use]
    pub const fn new(counts: Counts) -> Self {
        Self { counts, under_way: VecDeque::new(), lease: None }
    }

    /// One was sent.
    pub fn sent(&mut self, now: Instant) {
        if self.under_way.len() == UNDER_WAY_MAX {
            self.under_way.pop_front();
            self.counts.missed(1);
        }
        self.under_way.push_back(now);
        self.counts.sent();
    }

    /// A step was taken, and this is the lease after it.
    pub fn lease(&mut self, lease: Option<Lease>, now: Instant) {
        let before = std::mem::replace(&mut self.lease, lease);
        match (before, lease) {
            (before, Some(lease)) if before.is_none_or(|before| before.renewed < lease.renewed) => {
                // The first renewal of a lease has nothing left of an earlier one.
                let left = before.map(|before| before.until.since(now));
                self.acknowledged(lease.renewed, left, now);
            }
            (Some(_), None) => {
                self.counts.missed(self.under_way.len());
                self.under_way.clear();
            }
            (_, Some(_)) | (None, None) => {}
        }
    }

    /// The one that was sent then is; those before it never will be.
    fn acknowledged(&mut self, sent: Instant, left: Option<Duration>, now: Instant) {
        let done = self.under_way.iter().take_while(|at| **at <= sent).count();
        let missed = self.under_way.drain(..done).filter(|at| *at < sent).count();
        self.counts.missed(missed);
        if let Some(left) = left {
            self.counts.renewed(now.since(sent), left);
        }
    }
}

#[cfg(test)]
mod tests {
    use hotseat_core::{Nonce, SessionId};

    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    fn lease(renewed: u64, until: u64) -> Option<Lease> {
        Some(Lease { session: SessionId { ordinal: 1, id: Nonce(1) }, until: at(until), renewed: at(renewed) })
    }

    /// How many were sent, acknowledged and missed.
    fn counted(counts: &Counts) -> (u64, u64, u64) {
        let inner = counts.inner();
        (inner.renewals_sent(), inner.renewals.read().count, inner.renewals_missed())
    }

    #[test]
    fn a_renewal_is_counted_once_and_the_first_of_a_lease_extends_none() {
        let counts = Counts::default();
        let mut renewals = Renewals::new(counts.clone());
        renewals.sent(at(100));
        renewals.lease(lease(100, 600), at(105));
        assert_eq!(counted(&counts), (1, 0, 0));
        renewals.sent(at(200));
        renewals.lease(lease(200, 700), at(230));
        renewals.lease(lease(200, 700), at(280));
        assert_eq!(counted(&counts), (2, 1, 0));
        let inner = counts.inner();
        assert_eq!((inner.renewals.read().sum, inner.margins.read().sum), (0.03, 0.37));
        renewals.lease(None, at(950));
        renewals.lease(lease(1000, 1500), at(1001));
        assert_eq!(counted(&counts).1, 1, "another lease");
    }

    #[test]
    fn what_a_later_one_has_overtaken_or_the_lease_has_outlived_is_missed() {
        let counts = Counts::default();
        let mut renewals = Renewals::new(counts.clone());
        [100, 200, 300, 400].into_iter().for_each(|millis| renewals.sent(at(millis)));
        renewals.lease(lease(300, 800), at(410));
        assert_eq!(counted(&counts), (4, 0, 2), "the fourth is still under way");
        renewals.lease(lease(400, 900), at(420));
        assert_eq!(counted(&counts), (4, 1, 2));
        renewals.sent(at(500));
        renewals.lease(None, at(900));
        assert_eq!(counted(&counts), (5, 1, 3), "nobody will acknowledge it any more");
        (0..70).for_each(|more| renewals.sent(at(1000 + more)));
        assert_eq!(counted(&counts), (75, 1, 9), "no more are followed than a few");
    }
}
