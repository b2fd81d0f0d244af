//! The hunt on real processes: a cluster on hosts of its own, one fault after the other at moments drawn from a seed, and
//! after each the same judgement: nobody acted beside a newer leader, no fence was passed, the cluster is whole again.
//!
//! ```text
//! hotseat-lab-hunt [--for 10m] [--seed N] [--rounds N] [--store dir|raft] [--timing fast] [--logs DIR]
//! ```
//! The seed decides which faults come, in which order and at which moments; the kernel decides the rest, so a seed that
//! failed may need more than one try. What fails prints the command that repeats it, and its log for `hotseat-sim replay`.
#![allow(clippy::unwrap_used, reason = "a hunt that cannot go on stops")]

mod ills;
mod seed;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use hotseat_lab::spec::Store;
use hotseat_lab::{Case, Cluster, Spec, net};

use ills::Ill;
use seed::Seed;

/// Faults that one cluster lives through; a new one then, so that what a seed decides is soon repeated.
const ROUNDS: u64 = 12;

/// Every seed is a cluster of its own; each draws its faults from its own number.
#[derive(Clone, Debug)]
struct Args {
    lasts: Duration,
    seed: Option<u64>,
    rounds: u64,
    store: Store,
    timing: String,
    logs: PathBuf,
}

fn main() -> ExitCode {
    let args = match parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(why) => {
            eprintln!(
                "{why}\n\nhotseat-lab-hunt [--for 10m] [--seed N] [--rounds N] [--store dir|raft] [--timing fast] [--logs DIR]"
            );
            return ExitCode::from(2);
        }
    };
    if !net::possible() {
        return ExitCode::from(2);
    }
    let began = Instant::now();
    let (mut seed, mut clusters) = (args.seed.unwrap_or_else(seed::fresh), 0);
    loop {
        if catch_unwind(AssertUnwindSafe(|| one(&args, seed))).is_err() {
            eprintln!("seed {seed} fails. Again: {}", command(&args, seed));
            return ExitCode::FAILURE;
        }
        (seed, clusters) = (seed + 1, clusters + 1);
        // One seed alone is run once.
        if began.elapsed() >= args.lasts || args.seed.is_some() && args.lasts.is_zero() {
            println!("{clusters} clusters lived through {} faults each, {:?}", args.rounds, began.elapsed());
            return ExitCode::SUCCESS;
        }
    }
}

fn command(args: &Args, seed: u64) -> String {
    let Args { rounds, store, timing, .. } = args;
    format!("hotseat-lab-hunt --for 0s --seed {seed} --rounds {rounds} --store {} --timing {timing}", store.word())
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    let lasts = Duration::from_secs(600);
    let timing = String::from("fast");
    let mut args = Args { lasts, seed: None, rounds: ROUNDS, store: Store::Dir, timing, logs: std::env::temp_dir() };
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let number = || value.parse().map_err(|_| format!("{word} {value}: not a number"));
        match word.as_str() {
            "--for" => args.lasts = humantime::parse_duration(&value).map_err(|why| format!("--for {value}: {why}"))?,
            "--seed" => args.seed = Some(number()?),
            "--rounds" => args.rounds = number()?,
            "--store" => args.store = Store::named(&value).ok_or("--store takes dir or raft")?,
            "--timing" => args.timing = value,
            "--logs" => args.logs = value.into(),
            _ => return Err(format!("what is {word}?")),
        }
    }
    Ok(args)
}

/// One cluster, as many faults as asked for. Fails by a panic, with everything shown.
fn one(args: &Args, number: u64) {
    let mut seed = Seed::new(number);
    let spec = Spec::writer().apart().store(args.store).cluster("timing", &format!("\"{}\"", args.timing));
    // A service that is killed all the time would be taken for one that keeps failing.
    let spec = spec.service("restart", "{ backoff = \"50ms\", max = \"100ms\", attempts = 1000 }");
    let cluster = Cluster::settled(if seed.one_of(2) == 0 { spec.hot() } else { spec });
    let log = args.logs.join(format!("hotseat-hunt-{number}.log"));
    for round in 0..args.rounds {
        let ill = Ill::draw(&mut seed);
        eprintln!("seed {number}, {}/{}: {ill:?}", round + 1, args.rounds);
        let judged = catch_unwind(AssertUnwindSafe(|| strike(&cluster, &ill)));
        keep(&cluster, &log);
        judged.unwrap_or_else(|why| std::panic::resume_unwind(why));
    }
    // What held needs no log.
    drop(std::fs::remove_file(log));
}

fn keep(cluster: &Cluster, log: &Path) {
    std::fs::write(log, cluster.registers().fenced_history().text())
        .unwrap_or_else(|why| panic!("{}: {why}", log.display()));
}

fn strike(cluster: &Cluster, ill: &Ill) {
    let case = Case::begin(cluster);
    let (old, epoch) = (case.old, case.epoch);
    std::thread::sleep(ill.phase);
    ill.befall(cluster, old);
    let ended = case.end(ill.changes_max());
    if ended.changes > 0 {
        eprintln!("  {} changes from epoch {epoch}, {} writes delivered late", ended.changes, ended.late);
    }
}
