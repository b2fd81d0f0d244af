//! From a seed to a run: which machines, clocks, groups and delays, and what goes wrong when.
//!
//! A seed means the same run for ever, for the same version of this file. Profiles lean towards what one
//! kind of mistake needs; chance alone would find it too, but late.

mod council;
mod lean;
mod machines;
mod operators;
mod storm;

pub use lean::Lean;
pub(crate) use machines::{FASTEST, SLOWEST};

use hotseat_core::GroupId;

use crate::clock::{MS, SECOND};
use crate::fault::Fault;
use crate::machine::Machine;
use crate::net::Net;
use crate::rng::Rng;

/// What kind of run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// No fault at all, delays below the store time-out.
    Calm,
    /// One fault, after which at most one change of leader.
    Single,
    /// Many faults of every kind.
    Storm,
    /// Clocks and kills at their bounds, slow answers, leaders cut off: margins.
    Edge,
    /// Lagging reads and restarted agents.
    Stale,
    /// Lost answers and late writes.
    Lossy,
    /// Voters that are cut off in part, forget, lag, come and go.
    Quorum,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 7] =
        [Self::Calm, Self::Single, Self::Storm, Self::Edge, Self::Stale, Self::Lossy, Self::Quorum];
}

/// See the module.
#[derive(Debug)]
pub struct Plan {
    /// What kind of run.
    pub profile: Profile,
    /// The machines.
    pub machines: Vec<Machine>,
    /// The machines that vote at first; `None` where the store is the quorum.
    pub voters: Option<Vec<usize>>,
    /// The groups.
    pub groups: Vec<GroupId>,
    /// Delays and losses.
    pub net: Net,
    /// What happens when, agents' starts included.
    pub faults: Vec<(u64, Fault)>,
    /// When everything is mended.
    pub healed: u64,
    /// By when everybody must have recovered.
    pub recovered: u64,
    /// When the run ends.
    pub ends: u64,
    /// Changes of leader allowed after the first fault.
    pub changes: Option<(usize, u64)>,
}

impl Plan {
    /// The run of a seed, as far as it is not told.
    #[must_use]
    pub fn new(seed: u64, lean: Lean) -> Self {
        let mut rng = Rng::new(seed);
        let drawn = rng.pick(&[
            Profile::Calm,
            Profile::Single,
            Profile::Single,
            Profile::Storm,
            Profile::Storm,
            Profile::Storm,
            Profile::Edge,
            Profile::Stale,
            Profile::Lossy,
            Profile::Lossy,
        ]);
        // Beside the run's own chance, so that a seed without voters stays what it was before there were any.
        let mut council = Rng::new(seed ^ council::SALT);
        let voters = lean.voters.unwrap_or(council.chance(500) || lean.profile == Some(Profile::Quorum));
        let drawn = if voters && council.chance(400) { Profile::Quorum } else { drawn };
        let profile = lean.profile.unwrap_or(drawn);
        let groups: Vec<_> = ["web", "db", "mail"].iter().filter_map(|id| GroupId::new(id).ok()).collect();
        let groups = groups[..rng.between(1, 3) as usize].to_vec();
        let mut machines = machines::draw(&mut rng, profile, &groups);
        let voters = voters.then(|| council::draw(&mut council, &mut machines));
        let ttl = machines.iter().map(|machine| machine.config.timing.ttl().as_nanos() as u64).max().unwrap_or(SECOND);
        let mut net = net(&mut rng, profile, &machines);
        if voters.is_some() {
            council::ways(&mut council, profile, &mut net);
        }
        let start = 2 * SECOND + 4 * ttl;
        let healed = start + rng.between(10, 30) * SECOND;
        let recovered = healed + 12 * SECOND + 8 * ttl;
        let ends = recovered + 2 * SECOND + 2 * ttl;
        let mut plan =
            Self { profile, machines, voters, groups, net, faults: Vec::new(), healed, recovered, ends, changes: None };
        for at in 0..plan.machines.len() {
            if !plan.machines[at].twin {
                let when = rng.below(1500) * MS;
                plan.faults.push((when, Fault::Start(at)));
            }
        }
        match (profile, plan.voters.is_some()) {
            (Profile::Calm, false) => {}
            (Profile::Calm, true) => council::log_trouble(&mut council, &mut plan, start),
            (Profile::Single, _) => storm::one(&mut rng, &mut plan, start),
            (Profile::Storm | Profile::Edge | Profile::Stale | Profile::Lossy | Profile::Quorum, _) => {
                storm::many(&mut rng, &mut plan, start, ttl);
            }
        }
        operators::draw(&mut Rng::new(seed ^ operators::SALT), &mut plan, start);
        plan.faults.push((healed, Fault::HealAll));
        operators::leave(&mut plan);
        // What was told to stop before may still be stopping: its supervisor starts it again.
        for second in 1..6 {
            for at in (0..plan.machines.len()).filter(|at| !plan.machines[*at].twin) {
                plan.faults.push((healed + second * SECOND, Fault::Start(at)));
            }
        }
        plan
    }
}

fn net(rng: &mut Rng, profile: Profile, machines: &[Machine]) -> Net {
    let shortest = machines.iter().map(|machine| machine.config.timing.store_timeout().as_nanos() as u64).min();
    // A look is two ways; a fast clock counts its time-out short.
    let timeout = shortest.unwrap_or(100 * MS) * 1000 / 1100;
    let call_min = rng.between(50, 1000) * MS / 1000;
    let call_max = call_min + rng.between(1, 4) * MS;
    let slow_max = timeout / 2 - MS;
    let mut net = Net { call_min, call_max, slow_max, slow: rng.pick(&[0, 10, 100]), ..Net::default() };
    net.jitter = rng.pick(&[MS / 10, MS, 3 * MS]);
    match profile {
        Profile::Calm | Profile::Single => {}
        Profile::Storm => {
            net.lost = rng.pick(&[0, 0, 5, 30]);
            net.hints_lost = rng.pick(&[0, 100, 1000]);
            net.words_lost = rng.pick(&[0, 300, 1000]);
            net.kill_max = rng.pick(&[100, 500, 980]);
        }
        Profile::Edge => {
            net.slow = rng.pick(&[300, 500]);
            net.hints_lost = rng.pick(&[0, 1000]);
            net.words_lost = 1000;
            (net.kill_min, net.kill_max) = (970, 980);
            net.jitter = MS / 10;
            net.lost = rng.pick(&[0, 20, 100]);
        }
        Profile::Stale => {
            net.hints_lost = 500;
            net.words_lost = rng.pick(&[0, 1000]);
            net.kill_max = 900;
        }
        Profile::Lossy => {
            net.lost = rng.pick(&[10, 50, 150]);
            net.hints_lost = 300;
            net.words_lost = 500;
            net.kill_max = 500;
        }
        Profile::Quorum => {
            net.slow = rng.pick(&[0, 100, 300]);
            net.lost = rng.pick(&[0, 0, 20, 100]);
            net.hints_lost = rng.pick(&[0, 300]);
            net.words_lost = rng.pick(&[0, 500, 1000]);
            net.kill_max = rng.pick(&[100, 980]);
        }
    }
    net
}
