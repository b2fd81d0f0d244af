//! The clients of `hotseat dev`: a steady stream of small requests, and how long each had to wait.
//!
//! ```text
//!  every PACE ──> a request of its own ──> proxy ──> leader's server
//!                     └── begun, ended, answered or failed ──> Tally
//! ```
//!
//! It tries nothing twice: what fails here would have failed for a client. It ends with the runtime.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hotseat_client::Sight;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::ask::{self, Kind};
use super::words::route;

/// Between two requests: an outage shorter than this may be felt by nobody.
pub(super) const PACE: Duration = Duration::from_millis(5);

/// A request that waits longer has failed: longer than the proxy holds anybody.
const LIMIT: Duration = Duration::from_secs(40);

/// Requests under way at once: few, so that the probe never is the crowd whose waiting it measures. Python's
/// `http.server` lets five wait to be accepted, and who comes sixth waits for a second.
const WAITING_MAX: usize = 4;

/// Requests remembered: most of a minute of them, far longer than a change of leader lasts.
const KEPT: usize = 8192;

#[derive(Clone, Copy, Debug)]
struct Sample {
    began: Instant,
    ended: Instant,
    answered: bool,
}

/// What the clients of some time felt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Toll {
    pub(super) answered: u64,
    pub(super) failed: u64,
    pub(super) longest: Duration,
}

impl Toll {
    fn add(&mut self, sample: Sample) {
        if sample.answered {
            self.answered += 1;
        } else {
            self.failed += 1;
        }
        self.longest = self.longest.max(sample.ended - sample.began);
    }
}

#[derive(Debug, Default)]
struct Tally {
    kind: Option<Kind>,
    number: u64,
    waiting: BTreeMap<u64, Instant>,
    done: VecDeque<Sample>,
    all: Toll,
}

/// A handle on the stream. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Probe {
    tally: Arc<Mutex<Tally>>,
}

impl Probe {
    /// Learns what this server answers, and begins.
    pub(super) async fn run(self, proxy: SocketAddr, mut sight: watch::Receiver<Sight>) {
        let kind = loop {
            if sight.wait_for(|sight| route(sight).target().is_some()).await.is_err() {
                return;
            }
            match ask::learn(proxy).await {
                Ok(kind) => break kind,
                Err(_) => tokio::time::sleep(PACE).await,
            }
        };
        self.lock().kind = Some(kind);
        let mut ticks = interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Some(number) = self.begin() {
                tokio::spawn(self.clone().one(number, kind, proxy, sight.clone()));
            }
        }
    }

    async fn one(self, number: u64, kind: Kind, proxy: SocketAddr, mut sight: watch::Receiver<Sight>) {
        let asked = async {
            match kind {
                Kind::Http(_) | Kind::Bytes => ask::ask(kind, proxy).await.is_ok(),
                Kind::Connection => connect(&mut sight).await,
            }
        };
        let answered = timeout(LIMIT, asked).await.unwrap_or(false);
        self.end(number, answered);
    }

    fn begin(&self) -> Option<u64> {
        let mut tally = self.lock();
        if tally.waiting.len() >= WAITING_MAX {
            return None;
        }
        tally.number += 1;
        let number = tally.number;
        tally.waiting.insert(number, Instant::now());
        Some(number)
    }

    fn end(&self, number: u64, answered: bool) {
        let mut tally = self.lock();
        let Some(began) = tally.waiting.remove(&number) else { return };
        let sample = Sample { began, ended: Instant::now(), answered };
        tally.all.add(sample);
        if tally.done.len() == KEPT {
            tally.done.pop_front();
        }
        tally.done.push_back(sample);
    }

    /// What is measured, once it is known.
    pub(super) fn kind(&self) -> Option<Kind> {
        self.lock().kind
    }

    /// Everything so far.
    pub(super) fn all(&self) -> Toll {
        self.lock().all
    }

    /// What the requests felt that ended after `from`.
    pub(super) fn since(&self, from: Instant) -> Toll {
        let mut toll = Toll::default();
        for sample in self.lock().done.iter().filter(|sample| sample.ended >= from) {
            toll.add(*sample);
        }
        toll
    }

    /// Whether every request that began before `at` has ended.
    pub(super) fn settled(&self, at: Instant) -> bool {
        self.lock().waiting.values().all(|began| *began > at)
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client that knows where the leader's server is, and waits while there is none.
async fn connect(sight: &mut watch::Receiver<Sight>) -> bool {
    loop {
        let target = match sight.wait_for(|sight| route(sight).target().is_some()).await {
            Ok(sight) => route(&sight).target(),
            Err(_) => return false,
        };
        if let Some(target) = target
            && ask::ask(Kind::Connection, target).await.is_ok()
        {
            return true;
        }
        tokio::time::sleep(PACE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_who_waited_through_it() {
        let probe = Probe::default();
        let (early, late) = (probe.begin().expect("room"), probe.begin().expect("room"));
        probe.end(early, true);
        let change = Instant::now();
        assert!(!probe.settled(change));
        std::thread::sleep(Duration::from_millis(2));
        probe.end(late, false);
        assert!(probe.settled(change));
        let toll = probe.since(change);
        assert_eq!((toll.answered, toll.failed), (0, 1));
        assert!(toll.longest >= Duration::from_millis(2));
        assert_eq!((probe.all().answered, probe.all().failed), (1, 1));
    }

    #[test]
    fn waiting_is_bounded() {
        let probe = Probe::default();
        assert_eq!((0..2 * WAITING_MAX).filter_map(|_| probe.begin()).count(), WAITING_MAX);
    }
}
