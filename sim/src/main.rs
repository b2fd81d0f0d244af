//! The hunt for a seed that breaks a promise, from the command line. See `USAGE`.

use std::process::ExitCode;

use hotseat_core::Mutant;
use hotseat_sim::{Keep, Lean, Profile, SECOND, run};

mod hunt;

const USAGE: &str = "\
hotseat-sim --seed N [--trace]    one run; on failure its time line
hotseat-sim --seeds N [--from N]  so many runs
hotseat-sim hunt [--for 60s]      fresh seeds for a time, with progress
hotseat-sim play FILE             a scenario's story
hotseat-sim replay FILE           the same invariants over a log of real events
hotseat-sim speed                 simulated seconds per second of one core
hotseat-sim mutants               what can be left out
hotseat-sim table                 seeds until each mutant is killed: median of five

[--mutant NAME] leaves a rule out, [--profile NAME] leans towards one kind of run, [--voters on|off] says whether
voters keep the leases, or the store does; otherwise the seed draws that.";

/// What was asked for.
#[derive(Debug, Default)]
struct Asked {
    verb: Option<String>,
    seed: Option<u64>,
    seeds: Option<u64>,
    from: u64,
    mutant: Option<Mutant>,
    lean: Lean,
    trace: bool,
    lasts: Option<u64>,
    file: Option<String>,
}

fn main() -> ExitCode {
    if let [verb, file] = &std::env::args().skip(1).collect::<Vec<_>>()[..]
        && verb == "replay"
    {
        return judge(file);
    }
    match parse(std::env::args().skip(1)).and_then(|asked| perform(&asked)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn judge(file: &str) -> ExitCode {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string());
    let judged =
        text.and_then(|text| hotseat_sim::replay(&text).map_err(|it| format!("{}: {}", it.invariant, it.what)));
    match judged {
        Ok(seen) => {
            println!("{file}: {} lines hold, up to epoch {}; {} writes refused", seen.lines, seen.newest, seen.refused);
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{file}: {why}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked::default();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--seed" => asked.seed = Some(number(&value()?)?),
            "--seeds" => asked.seeds = Some(number(&value()?)?),
            "--from" => asked.from = number(&value()?)?,
            "--mutant" => asked.mutant = Some(mutant(&value()?)?),
            "--profile" => asked.lean.profile = Some(profile(&value()?)?),
            "--voters" => asked.lean.voters = Some(switch(&value()?)?),
            "--for" => asked.lasts = Some(seconds(&value()?)?),
            "play" => (asked.file, asked.verb) = (Some(value()?), Some(arg)),
            "--trace" => asked.trace = true,
            "hunt" | "speed" | "mutants" | "table" => asked.verb = Some(arg),
            _ => return Err(format!("what is {arg}?")),
        }
    }
    Ok(asked)
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("--voters is on or off, not {text}")),
    }
}

/// `60s`, `10m`, or plain seconds.
fn seconds(text: &str) -> Result<u64, String> {
    match text.strip_suffix('m') {
        Some(minutes) => Ok(number(minutes)? * 60),
        None => number(text.trim_end_matches('s')),
    }
}

fn mutant(name: &str) -> Result<Mutant, String> {
    let found = Mutant::ALL.iter().copied().find(|mutant| format!("{mutant:?}") == name);
    found.ok_or_else(|| format!("no mutant is called {name}"))
}

fn profile(name: &str) -> Result<Profile, String> {
    let found = Profile::ALL.iter().copied().find(|profile| format!("{profile:?}") == name);
    found.ok_or_else(|| format!("no profile is called {name}"))
}

fn perform(asked: &Asked) -> Result<bool, String> {
    match asked.verb.as_deref() {
        Some("mutants") => {
            for mutant in Mutant::ALL {
                println!("{:<28} {}", format!("{mutant:?}"), mutant.describe());
            }
            Ok(true)
        }
        Some("play") => story(asked.file.as_deref().unwrap_or_default(), asked.mutant),
        Some("table") => Ok(hunt::table(asked.mutant)),
        Some("speed") => Ok(hunt::speed()),
        Some(_) => Ok(hunt::fresh(asked.lasts.unwrap_or(60), asked.mutant, asked.lean)),
        None => match (asked.seed, asked.seeds) {
            (Some(seed), None) => Ok(one(asked, seed)),
            (None, Some(count)) => Ok(hunt::range(asked.from, count, asked.mutant, asked.lean)),
            (None, None) | (Some(_), Some(_)) => Err("say --seed, --seeds, hunt, speed or mutants".into()),
        },
    }
}

fn story(file: &str, mutant: Option<Mutant>) -> Result<bool, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let (script, _) = text.split_once("\n---\n").unwrap_or((&text, ""));
    let told = hotseat_sim::play_without(mutant, script);
    print!("{}", told.as_ref().unwrap_or_else(|story| story));
    Ok(told.is_ok())
}

fn one(asked: &Asked, seed: u64) -> bool {
    let keep = if asked.trace { Keep::All } else { Keep::Story };
    match run(seed, asked.mutant, asked.lean, keep) {
        Ok(report) => {
            print!("{}", report.trace);
            println!("seed {seed}: held for {} simulated seconds", report.simulated / SECOND);
            true
        }
        Err(failure) => {
            let timeline = if asked.trace { failure.last(usize::MAX) } else { failure.timeline() };
            println!("{timeline}\n\n{failure}");
            false
        }
    }
}
