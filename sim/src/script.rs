//! A scenario as people write it: machines and groups, then what happens when, then how long to look.
//!
//! ```text
//! # prose
//! cluster n1 n2 n3
//! group web hot
//! at 0ms start n1 n2 n3
//! at 2s kill agent n1
//! run 5s
//! ```
//! Nothing in it is left to chance but small delays, which are always the same ones.

mod command;
mod setup;

use hotseat_core::{Key, Mutant, Record};

use crate::clock::{MS, SECOND};
use crate::fault::Fault;
use crate::trace::Keep;
use crate::world::World;
use setup::Setup;

/// Plays a script; gives its story, and the verdict on every group at the end.
///
/// # Errors
/// A line that is not understood, or a promise that broke, with the story so far.
pub fn play(script: &str) -> Result<String, String> {
    play_without(None, script)
}

/// The same with a rule left out.
///
/// # Errors
/// As [`play`].
pub fn play_without(mutant: Option<Mutant>, script: &str) -> Result<String, String> {
    let mut setup = Setup::default();
    let mut planned: Vec<(u64, String, Vec<Fault>)> = Vec::new();
    let mut runs = 0;
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["run", time] => runs = duration(time)?,
            ["at", time, command @ ..] => {
                let faults = command::parse(&setup, command).ok_or_else(|| format!("not understood: {line}"))?;
                planned.push((duration(time)?, command.join(" "), faults));
            }
            words => setup.take(words).ok_or_else(|| format!("not understood: {line}"))?,
        }
    }
    perform(setup, planned, runs, mutant)
}

fn perform(
    setup: Setup,
    planned: Vec<(u64, String, Vec<Fault>)>,
    runs: u64,
    mutant: Option<Mutant>,
) -> Result<String, String> {
    let groups = setup.groups.clone();
    let mut world = World::new(1, mutant, setup.net(), setup.machines(), Keep::Story);
    if let Some(voters) = &setup.voters {
        world.found(voters);
    }
    let told = |world: World, broken: crate::invariants::Broken| format!("{}{broken:?}", world.trace.text);
    for (at, words, faults) in planned {
        if let Err(broken) = world.run(at) {
            return Err(told(world, broken));
        }
        world.trace.story(at, ">", || words);
        for fault in faults {
            world.plan(at, fault);
        }
    }
    if let Err(broken) = world.run(runs) {
        return Err(told(world, broken));
    }
    for (group, _) in groups {
        let verdict = match world.store.now(&Key::Group(group.clone())) {
            Some((_, Record::Group(record))) => match &record.leader {
                Some(leader) => format!(
                    "epoch {} belongs to {}{}",
                    record.epoch,
                    leader.node,
                    if record.serving { ", which serves" } else { "" }
                ),
                None => format!("nobody leads; the last epoch was {}", record.epoch),
            },
            Some((_, Record::Session(_) | Record::Orders(_) | Record::Voters(_))) | None => {
                "nobody has ever led".into()
            }
        };
        world.trace.story(runs, "=", || format!("{group}: {verdict}"));
    }
    Ok(world.trace.text)
}

/// `20ms`, `3s`.
pub(crate) fn duration(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, MS),
        None => (text.strip_suffix('s').ok_or_else(|| format!("{text} is not a time"))?, SECOND),
    };
    number.parse::<u64>().map(|number| number * unit).map_err(|_| format!("{text} is not a time"))
}
