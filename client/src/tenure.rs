//! One leadership's time, asked by everybody who acts and extended by the one who renews: it ends once, for good.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock;

#[derive(Debug)]
struct Lease {
    /// By the boot clock.
    until: Duration,
    over: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Tenure {
    lease: Mutex<Lease>,
    over: watch::Sender<bool>,
}

impl Tenure {
    /// Until then, by the boot clock.
    pub(crate) fn new(until: Duration) -> Self {
        Self { lease: Mutex::new(Lease { until, over: false }), over: watch::Sender::new(false) }
    }

    /// Whether it goes on. Asks the clock: once this was `false` it is never `true` again.
    pub(crate) fn goes_on(&self) -> bool {
        let mut lease = self.lease();
        lease.over |= clock::now() >= lease.until;
        !lease.over
    }

    /// What is left of it.
    pub(crate) fn left(&self) -> Duration {
        let lease = self.lease();
        if lease.over { Duration::ZERO } else { lease.until.saturating_sub(clock::now()) }
    }

    /// Lasts until then, if it still goes on; whether it does.
    pub(crate) fn extend(&self, until: Duration) -> bool {
        let mut lease = self.lease();
        lease.over |= clock::now() >= lease.until;
        lease.until = lease.until.max(until);
        !lease.over
    }

    /// It is over.
    pub(crate) fn end(&self) {
        self.lease().over = true;
        self.over.send_replace(true);
    }

    /// Waits until somebody has ended it.
    pub(crate) async fn ended(&self) {
        // It cannot be gone: we hold it.
        drop(self.over.subscribe().wait_for(|over| *over).await);
    }

    fn lease(&self) -> MutexGuard<'_, Lease> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn what_has_run_out_is_over_for_good() {
        let tenure = Tenure::new(clock::now() + LONG);
        assert!(tenure.goes_on() && tenure.left() > LONG / 2);
        assert!(tenure.extend(clock::now()), "never shorter");
        assert!(tenure.goes_on());
        let lapsed = Tenure::new(clock::now());
        assert!(!lapsed.extend(clock::now() + LONG), "an answer that came too late");
        assert!(!lapsed.goes_on() && lapsed.left() == Duration::ZERO);
        let asked = Tenure::new(clock::now());
        assert!(!asked.goes_on());
        assert!(!asked.extend(clock::now() + LONG) && !asked.goes_on());
    }

    #[tokio::test]
    async fn who_waits_for_its_end_hears_of_it() {
        let tenure = Tenure::new(clock::now() + LONG);
        let ((), ()) = tokio::join!(tenure.ended(), async { tenure.end() });
        assert!(!tenure.goes_on());
    }
}
