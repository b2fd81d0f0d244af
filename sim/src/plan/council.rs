//! Voters of a run, and the ways between them, drawn from a seed. And trouble with the log that should disturb nobody.

use super::{Plan, Profile};
use crate::clock::{MS, SECOND};
use crate::fault::Fault;
use crate::log::Change;
use crate::machine::Machine;
use crate::net::Net;
use crate::rng::Rng;

/// Makes this chance another than the run's own.
pub(super) const SALT: u64 = 0xB0_7E25;
/// The log may stand still for so long, and nothing changes.
const STANDS_STILL_MAX: u64 = 9 * SECOND;

/// Who votes at first. Some machines only vote, some do not; a second process may share a disk.
pub(super) fn draw(rng: &mut Rng, machines: &mut [Machine]) -> Vec<usize> {
    let count = machines.iter().filter(|machine| !machine.twin).count();
    if count > 2 && rng.chance(300) {
        machines[count - 1].config.groups.clear();
    }
    for twin in &mut machines[count..] {
        twin.shares = rng.chance(500).then_some(0);
    }
    let usual = if count == 4 { 3 } else { count };
    let wanted = if rng.chance(700) { usual } else { rng.between(1, count as u64) as usize };
    let mut voters: Vec<_> = (0..count).collect();
    while voters.len() > wanted {
        voters.remove(rng.below(voters.len() as u64) as usize);
    }
    voters
}

/// How votes travel and how the log is led.
pub(super) fn ways(rng: &mut Rng, profile: Profile, net: &mut Net) {
    net.election_max = rng.pick(&[150, 450, 1500]) * MS;
    net.lag = rng.pick(&[0, 5, 50]) * MS;
    net.twice = match profile {
        Profile::Calm | Profile::Single => 0,
        Profile::Storm | Profile::Edge | Profile::Stale | Profile::Lossy | Profile::Quorum => rng.pick(&[0, 50, 300]),
    };
}

/// The log stops, changes its leader, its copies lag and its voters change: leases go on.
pub(super) fn log_trouble(rng: &mut Rng, plan: &mut Plan, start: u64) {
    for _ in 0..rng.between(1, 4) {
        let (at, on) = (start + rng.below(plan.healed - start), rng.below(plan.machines.len() as u64) as usize);
        let ends = at + rng.below(STANDS_STILL_MAX);
        let (fault, then) = match rng.below(4) {
            0 => (Fault::Outage, Some(Fault::OutageEnds)),
            1 => (Fault::Depose, None),
            2 => (Fault::Stale(on), Some(Fault::Fresh(on))),
            _ => (Fault::Voters(change(rng, plan)), None),
        };
        plan.faults.push((at, fault));
        plan.faults.extend(then.map(|then| (ends.min(plan.healed), then)));
    }
}

/// One that an operator may wish, and will get.
pub(super) fn change(rng: &mut Rng, plan: &Plan) -> Change {
    let count = plan.machines.iter().filter(|machine| !machine.twin).count() as u64;
    let on = rng.below(count) as usize;
    if rng.chance(500) { Change::Add(on) } else { Change::Remove(on) }
}
