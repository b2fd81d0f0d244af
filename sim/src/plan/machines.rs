//! The machines of a run: names, clocks, timings, groups and services, drawn from a seed.

use std::time::Duration;

use hotseat_core::{
    Backoff, GroupConfig, GroupId, HealthLimits, Mode, NodeConfig, NodeName, OnExit, Rules, ServiceConfig, Standby,
    Timing,
};

use super::Profile;
use crate::clock::{Clock, MS, SECOND};
use crate::machine::Machine;
use crate::rng::Rng;
use crate::service::Temper;

/// Rates stay a hair inside of 1 ± ε, so that rounding to nanoseconds cannot step outside.
pub(crate) const SLOWEST: u64 = 901;
pub(crate) const FASTEST: u64 = 1099;

pub(super) fn draw(rng: &mut Rng, profile: Profile, groups: &[GroupId]) -> Vec<Machine> {
    let count = rng.pick(&[2, 3, 3, 3, 3, 4, 5]);
    let common = ttl(rng);
    let mixed = rng.chance(if profile == Profile::Edge { 400 } else { 200 });
    let shapes: Vec<_> = groups.iter().map(|group| (group.clone(), service(rng))).collect();
    let twin = matches!(profile, Profile::Storm | Profile::Quorum) && rng.chance(150);
    let mut machines = Vec::new();
    for at in 0..count + usize::from(twin) {
        let ttl = if mixed { ttl(rng) } else { common };
        machines.push(machine(rng, at, count, profile, ttl, &shapes));
    }
    machines
}

fn ttl(rng: &mut Rng) -> Duration {
    Duration::from_millis(rng.pick(&[500, 500, 500, 1000, 2000]))
}

fn machine(
    rng: &mut Rng,
    at: usize,
    count: usize,
    profile: Profile,
    ttl: Duration,
    shapes: &[(GroupId, ServiceConfig)],
) -> Machine {
    let twin = at >= count;
    let number = if twin { 1 } else { at + 1 };
    let groups = shapes.iter().map(|(id, service)| group(rng, id, *service, number, at)).collect();
    let config = NodeConfig {
        name: NodeName::new(&format!("n{number}")).expect("a plain name"),
        address: format!("10.0.0.{}:7700", at + 1),
        version: "0.1.0".into(),
        region: "world".into(),
        timing: Timing::of_ttl(ttl).expect("long enough to be safe"),
        groups,
        voter: None,
        rules: Rules::default(),
    };
    let temper = Temper { starts: rng.between(1, 100) * MS, ..Temper::default() };
    Machine::new(config, clock(rng, profile), twin, temper)
}

fn clock(rng: &mut Rng, profile: Profile) -> Clock {
    let per_mille = match profile {
        Profile::Edge => rng.pick(&[SLOWEST, FASTEST]),
        Profile::Quorum if rng.chance(500) => rng.pick(&[SLOWEST, FASTEST]),
        Profile::Calm | Profile::Single | Profile::Storm | Profile::Stale | Profile::Lossy | Profile::Quorum => {
            if rng.chance(500) { rng.between(SLOWEST, FASTEST) } else { 1000 }
        }
    };
    Clock { per_mille, offset: rng.below(1000 * SECOND), booted: 0 }
}

fn group(rng: &mut Rng, id: &GroupId, service: ServiceConfig, number: usize, at: usize) -> GroupConfig {
    let usual = rng.chance(850) || at < 2;
    let mode =
        if usual { Mode::Auto } else { rng.pick(&[Mode::HotStandby, Mode::Backup, Mode::Disabled, Mode::Standby]) };
    GroupConfig {
        followers: true,
        // Drawn by `operators`, for some of the runs.
        failback: None,
        calm: Duration::from_secs(2),
        hold_max: Duration::ZERO,
        alike: true,
        id: id.clone(),
        role: "primary".into(),
        mode,
        priority: rng.pick(&[0, 0, 0, 1, -1, 10]),
        // Where things are under way they end in time, take longer, or never end: see the tempers.
        service: ServiceConfig { drain: Duration::from_millis(100) * (at as u32 % 3), ..service },
        address: Some(format!("10.0.0.{number}:9100")),
    }
}

fn service(rng: &mut Rng) -> ServiceConfig {
    let limits = HealthLimits { max_check_attempts: 3, recover: 2 };
    ServiceConfig {
        standby: rng.pick(&[Standby::Cold, Standby::Hot]),
        on_exit: rng.pick(&[OnExit::Auto, OnExit::Auto, OnExit::Restart, OnExit::Failover]),
        stop_timeout: Duration::from_millis(rng.pick(&[50, 500, 2000])),
        start_timeout: Duration::from_secs(2),
        turn_timeout: Duration::from_millis(500),
        health: rng.chance(600).then_some((Duration::from_millis(200), limits)),
        backoff: Backoff { first: Duration::from_millis(100), max: Duration::from_secs(1), attempts: 3 },
        drain: Duration::ZERO,
        hooks: rng.chance(500),
    }
}
