//! How long things take and how often they get lost, when nothing is broken.

use crate::clock::MS;
use crate::rng::Rng;

/// See the module. Times are one way, in nanoseconds of true time.
#[derive(Clone, Copy, Debug)]
pub struct Net {
    /// A call to the store, one way: the least.
    pub call_min: u64,
    /// The most, usually.
    pub call_max: u64,
    /// So many of a thousand are slow.
    pub slow: u64,
    /// A slow one takes up to this.
    pub slow_max: u64,
    /// So many of a thousand calls, and as many answers, are lost.
    pub lost: u64,
    /// Hints lost, of a thousand.
    pub hints_lost: u64,
    /// Guards' words lost, of a thousand.
    pub words_lost: u64,
    /// So many of a thousand letters among voters come twice.
    pub twice: u64,
    /// How far a copy of the log lags behind, at the most, when nothing is broken.
    pub lag: u64,
    /// An election of the log's leader takes at least so long.
    pub election_min: u64,
    /// And at most so long.
    pub election_max: u64,
    /// Between agent and guard, one way.
    pub ipc: u64,
    /// A timer is late by up to this.
    pub jitter: u64,
    /// A kill takes at least so much of the stop budget, in per mille.
    pub kill_min: u64,
    /// And at most so much.
    pub kill_max: u64,
}

impl Default for Net {
    fn default() -> Self {
        Self {
            call_min: MS / 2,
            call_max: 2 * MS,
            slow: 0,
            slow_max: 0,
            lost: 0,
            hints_lost: 0,
            words_lost: 0,
            twice: 0,
            lag: 0,
            election_min: 100 * MS,
            election_max: 150 * MS,
            ipc: MS / 10,
            jitter: MS / 10,
            kill_min: 20,
            kill_max: 60,
        }
    }
}

impl Net {
    /// One way to or from the store.
    pub fn call(&self, rng: &mut Rng) -> u64 {
        if self.slow > 0 && rng.chance(self.slow) {
            rng.between(self.call_max, self.slow_max.max(self.call_max))
        } else {
            rng.between(self.call_min, self.call_max)
        }
    }

    /// Part of a stop budget that a kill takes.
    pub fn kill(&self, rng: &mut Rng, budget: u64) -> u64 {
        budget * rng.between(self.kill_min, self.kill_max) / 1000
    }
}
