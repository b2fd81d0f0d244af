//! One seed, one run, one verdict. A failure says which promise broke, shows the end of the time line,
//! and how to repeat it.

use core::fmt;

use hotseat_core::Mutant;

use crate::clock::SECOND;
use crate::invariants::Broken;
use crate::plan::{Lean, Plan, Profile};
use crate::trace::Keep;
use crate::world::World;

/// Lines of the time line shown with a failure.
const TAIL: usize = 80;

/// A run that did not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The rule left out.
    pub mutant: Option<Mutant>,
    /// What was not left to the seed.
    pub lean: Lean,
    /// When, in nanoseconds of true time.
    pub at: u64,
    /// What.
    pub broken: Broken,
}

/// A run that held.
#[derive(Clone, Debug)]
pub struct Report {
    /// Simulated time in nanoseconds.
    pub simulated: u64,
    /// What was written down.
    pub trace: String,
}

impl Failure {
    /// The command that repeats it.
    #[must_use]
    pub fn command(&self) -> String {
        let mutant = self.mutant.map(|mutant| format!(" --mutant {mutant:?}")).unwrap_or_default();
        let profile = self.lean.profile.map(|profile| format!(" --profile {profile:?}")).unwrap_or_default();
        let voters = match self.lean.voters {
            None => "",
            Some(true) => " --voters on",
            Some(false) => " --voters off",
        };
        format!("cargo run --release -p hotseat-sim -- --seed {}{mutant}{profile}{voters}", self.seed)
    }

    /// The end of the time line: the run is repeated aloud.
    #[must_use]
    pub fn timeline(&self) -> String {
        self.last(TAIL)
    }

    /// So many lines of the end of the time line.
    #[must_use]
    pub fn last(&self, lines: usize) -> String {
        let (world, _) = play(self.seed, self.mutant, self.lean, Keep::All);
        world.trace.tail(lines)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at as f64 / SECOND as f64;
        writeln!(f, "{} broken at {at:.6} s: {}", self.broken.invariant, self.broken.what)?;
        write!(f, "repeat: {}", self.command())
    }
}

/// Runs a seed.
///
/// # Errors
/// The first promise that broke.
pub fn run(seed: u64, mutant: Option<Mutant>, lean: Lean, keep: Keep) -> Result<Report, Failure> {
    let (world, verdict) = play(seed, mutant, lean, keep);
    match verdict {
        Ok(()) => Ok(Report { simulated: world.now, trace: world.trace.text }),
        Err(broken) => Err(Failure { seed, mutant, lean, at: world.now, broken }),
    }
}

fn play(seed: u64, mutant: Option<Mutant>, lean: Lean, keep: Keep) -> (World, Result<(), Broken>) {
    let mut plan = Plan::new(seed, lean);
    let machines = std::mem::take(&mut plan.machines);
    let mut world = World::new(seed, mutant, plan.net, machines, keep);
    if let Some(voters) = &plan.voters {
        world.found(voters);
    }
    world.supervised = true;
    // A leader whose reads lag counts on a session until it is silent: no longer than this, by the slowest clock.
    world.checks.failback_waits.lag = 5 * SECOND / 2;
    world.checks.no_false_alarm.watches = plan.profile == Profile::Calm;
    for (at, fault) in std::mem::take(&mut plan.faults) {
        world.plan(at, fault);
    }
    let verdict = judge(&mut world, &plan);
    (world, verdict)
}

fn judge(world: &mut World, plan: &Plan) -> Result<(), Broken> {
    world.run(plan.recovered)?;
    world.recovered()?;
    world.run(plan.ends)?;
    world.recovered()?;
    world.changed_at_most(0, plan.recovered)?;
    if let Some((limit, since)) = plan.changes {
        world.changed_at_most(limit, since)?;
    }
    Ok(())
}
