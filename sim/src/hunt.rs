//! Many seeds, with progress. Real time is read here only: to stop in time, and to measure speed.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hotseat_core::Mutant;
use hotseat_sim::{Keep, Profile, SECOND, run};

/// How often progress is told.
const PROGRESS: Duration = Duration::from_secs(10);
/// Seeds of a measurement.
const MEASURED: u64 = 200;

#[derive(Debug)]
struct Tally {
    began: Instant,
    told: Instant,
    seeds: u64,
    simulated: u64,
}

impl Tally {
    fn new() -> Self {
        Self { began: Instant::now(), told: Instant::now(), seeds: 0, simulated: 0 }
    }

    /// Runs one more; says whether it held.
    fn take(&mut self, seed: u64, mutant: Option<Mutant>, profile: Option<Profile>) -> bool {
        match run(seed, mutant, profile, Keep::Nothing) {
            Ok(report) => {
                self.seeds += 1;
                self.simulated += report.simulated;
                if self.told.elapsed() >= PROGRESS {
                    self.told = Instant::now();
                    self.tell();
                }
                true
            }
            Err(failure) => {
                println!("{}\n\n{failure}", failure.timeline());
                self.tell();
                false
            }
        }
    }

    fn tell(&self) {
        let passed = self.began.elapsed().as_secs_f64();
        let simulated = self.simulated as f64 / SECOND as f64;
        println!(
            "{} seeds held, {simulated:.0} simulated seconds in {passed:.1} s: {:.0} per second of one core",
            self.seeds,
            simulated / passed
        );
    }
}

pub(crate) fn range(from: u64, count: u64, mutant: Option<Mutant>, profile: Option<Profile>) -> bool {
    let mut tally = Tally::new();
    let held = (from..from + count).all(|seed| tally.take(seed, mutant, profile));
    if held {
        tally.tell();
    }
    held
}

pub(crate) fn fresh(seconds: u64, mutant: Option<Mutant>, profile: Option<Profile>) -> bool {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let from = since.as_nanos() as u64 >> 8;
    println!("hunting for {seconds} s from seed {from}");
    let mut tally = Tally::new();
    let end = Instant::now() + Duration::from_secs(seconds);
    let held = (from..).take_while(|_| Instant::now() < end).all(|seed| tally.take(seed, mutant, profile));
    if held {
        tally.tell();
    }
    held
}

pub(crate) fn speed() -> bool {
    range(1, MEASURED, None, None)
}
