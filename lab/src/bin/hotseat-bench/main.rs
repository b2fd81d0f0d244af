//! The bench: real clusters, each fault many times, measured from outside; memory and processor at rest; the
//! simulator's speed; changes of leader that nobody asked for; thousands of failovers in one life; the store
//! beside an etcd; rivals, in the same run and under the same faults; and what clients see through a proxy.
//!
//! ```text
//! hotseat-bench [--quick] [--trials N] [--only PART,…] [--fault NAME] [--disk DIR] [--write FILE]
//! ```
//! Progress goes to standard error, tables to standard output or, with `--write`, to a file as well.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on stops")]

mod alarms;
mod args;
mod clear;
mod dashboard;
mod endurance;
mod fault;
mod fronts;
mod idle;
mod machine;
mod probe;
mod progress;
mod report;
mod rivals;
mod section;
mod shortfalls;
mod speed;
mod stats;
mod swaps;
mod through;
mod trial;

use std::process::ExitCode;
use std::time::Instant;

use args::{Args, Part};
use report::Findings;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if alarms::play_a_part(&words) || fronts::backend::play_a_part(&words) {
        return ExitCode::SUCCESS;
    }
    let args = match Args::parse(&words) {
        Ok(args) => args,
        Err(why) => {
            eprintln!("{why}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    clear::on_panic();
    let findings = measure(&args);
    let before = args.write.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
    let text = match before.as_deref() {
        // Sections alone are put in their places, and leave everything else as it is.
        Some(before) if args.does_sections_only() => report::replaced(&findings, before),
        before => report::render(&findings, before),
    };
    println!("{text}");
    if let Some(path) = &args.write {
        std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        eprintln!("written to {}", path.display());
    }
    if findings.unsafe_trials() > 0 || findings.false_alarms() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn measure(args: &Args) -> Findings {
    let began = Instant::now();
    let mut findings = Findings { machine: machine::look(&args.disk), args: args.clone(), ..Findings::default() };
    if args.does(Part::Faults) {
        for place in [args::MEMORY, args.disk.as_str()] {
            findings.faults.push(trial::series(args, place));
        }
    }
    if args.does(Part::Idle) {
        findings.idle = idle::measure(args.idle_for());
    }
    if args.does(Part::Speed) {
        findings.speed = speed::measure();
    }
    if args.does(Part::Alarms) {
        findings.alarms = alarms::measure(&args.disk, args.alarms_for);
    }
    if args.does(Part::Endurance) {
        findings.endurance = Some(endurance::measure(args.failovers));
    }
    if args.does(Part::Swaps) {
        findings.swaps = swaps::measure(&args.disk, args.swap_for());
    }
    if args.does(Part::Rivals) {
        findings.rivals = rivals::measure(args);
    }
    if args.does(Part::Fronts) {
        findings.fronts = fronts::faults::measure(args.front_trials);
    }
    if args.does(Part::Load) {
        findings.load = fronts::load::measure(args.load_for());
    }
    if args.does(Part::Endpoints) {
        findings.endpoints = fronts::endpoints::measure(args.load_for());
    }
    if args.does(Part::Dashboard) {
        findings.dashboard = Some(dashboard::measure(args.idle_for()));
    }
    findings.took = began.elapsed();
    findings
}
