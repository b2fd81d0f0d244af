//! Many seeds, with progress. Real time is read here only: to stop in time, and to measure speed.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hotseat_core::Mutant;
use hotseat_sim::{Keep, Lean, SECOND, run};

/// How often progress is told.
const PROGRESS: Duration = Duration::from_secs(10);
/// Counts per mutant.
const STARTS: u64 = 5;
/// A mutant that survives so many seeds counts as alive.
const SEEDS_MAX: u64 = 300;
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
    fn take(&mut self, seed: u64, mutant: Option<Mutant>, lean: Lean) -> bool {
        match run(seed, mutant, lean, Keep::Nothing) {
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

pub(crate) fn range(from: u64, count: u64, mutant: Option<Mutant>, lean: Lean) -> bool {
    let mut tally = Tally::new();
    let held = (from..from + count).all(|seed| tally.take(seed, mutant, lean));
    if held {
        tally.tell();
    }
    held
}

pub(crate) fn fresh(seconds: u64, mutant: Option<Mutant>, lean: Lean) -> bool {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let from = since.as_nanos() as u64 >> 8;
    println!("hunting for {seconds} s from seed {from}");
    let mut tally = Tally::new();
    let end = Instant::now() + Duration::from_secs(seconds);
    let held = (from..).take_while(|_| Instant::now() < end).all(|seed| tally.take(seed, mutant, lean));
    if held {
        tally.tell();
    }
    held
}

pub(crate) fn speed() -> bool {
    let measured = |voters: bool| {
        println!("{}:", if voters { "voters keep the leases" } else { "the store keeps the leases" });
        range(1, MEASURED, None, Lean::with(voters))
    };
    measured(false) & measured(true)
}

/// Prints how many seeds each mutant survives; says whether each is killed in time.
pub(crate) fn table(only: Option<Mutant>) -> bool {
    println!("| rule left out | profile | median seeds | of | promise broken |\n|---|---|---|---|---|");
    let all = Mutant::ALL.iter().copied().filter(|mutant| only.is_none_or(|only| only == *mutant));
    let survivors = all.filter(|mutant| !row(*mutant)).count();
    survivors == 0
}

fn row(mutant: Mutant) -> bool {
    let lean = Lean::against(mutant);
    let mut kills: Vec<_> = (0..STARTS).map(|start| kill(mutant, lean, start * 1_000_000)).collect();
    kills.sort_unstable();
    let (median, invariant) = kills[kills.len() / 2];
    let counts: Vec<_> = kills.iter().map(|(count, _)| *count).collect();
    let profile = lean.profile.map_or_else(|| "any".into(), |profile| format!("{profile:?}"));
    println!("| {} | {profile} | {median} | {counts:?} | {invariant} |", mutant.describe());
    median < SEEDS_MAX
}

fn kill(mutant: Mutant, lean: Lean, start: u64) -> (u64, &'static str) {
    for seed in start..start + SEEDS_MAX {
        if let Err(failure) = run(seed, Some(mutant), lean, Keep::Nothing) {
            return (seed - start + 1, failure.broken.invariant);
        }
    }
    (SEEDS_MAX, "none: it survives")
}
