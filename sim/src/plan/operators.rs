//! What operators order in a run, and what groups agreed on that bears on it: failback, and how long they hold still.
//!
//! Drawn beside the run's own chance, so that a seed without them stays what it was. All is normal again soon after the
//! faults have ended, but for pins and priorities.

use std::time::Duration;

use hotseat_core::Mode;

use super::{Plan, Profile};
use crate::clock::{MS, SECOND};
use crate::fault::Fault;
use crate::order::Order;
use crate::rng::Rng;

/// Makes their chance another than the run's.
pub(super) const SALT: u64 = 0x0bed_1e27;
/// So many of a thousand runs have operators in them.
const SHARE: u64 = 400;

/// Adds them to a run, before it is known when it has to have recovered.
pub(super) fn draw(rng: &mut Rng, plan: &mut Plan, start: u64) {
    let stormy = match plan.profile {
        Profile::Calm | Profile::Single => false,
        Profile::Storm | Profile::Edge | Profile::Stale | Profile::Lossy | Profile::Quorum => true,
    };
    if !stormy || !rng.chance(SHARE) {
        return;
    }
    let hold_max = Duration::from_secs(rng.pick(&[0, 0, 1, 3]));
    let failback = rng.pick(&[None, Some(Duration::from_secs(1)), Some(Duration::from_secs(4))]);
    for group in plan.machines.iter_mut().flat_map(|machine| &mut machine.config.groups) {
        (group.hold_max, group.failback) = (hold_max, failback);
    }
    for _ in 0..rng.between(1, 10) {
        let at = start + rng.below(plan.healed - start);
        order(rng, plan, at);
    }
    let slack = hold_max * 4 + failback.unwrap_or_default() * 2 + Duration::from_secs(6);
    plan.recovered += slack.as_nanos() as u64;
    plan.ends += slack.as_nanos() as u64;
}

/// Takes back, once all is mended, what would keep groups from having a leader.
pub(super) fn leave(plan: &mut Plan) {
    for group in plan.groups.clone() {
        plan.faults.push((plan.healed + MS, Fault::Order(group, Order::Normal)));
    }
}

fn order(rng: &mut Rng, plan: &mut Plan, at: u64) {
    let group = plan.groups[rng.below(plan.groups.len() as u64) as usize].clone();
    let count = plan.machines.iter().filter(|machine| !machine.twin).count() as u64;
    let on = rng.below(count) as usize;
    let until = at + rng.below(6 * SECOND);
    let (order, then) = match rng.below(8) {
        0 | 1 => (Order::Pause, Some(Order::Resume)),
        2 => (Order::Pin(on), rng.chance(500).then_some(Order::Unpin)),
        3 | 4 => {
            let mode = rng.pick(&[Mode::Standby, Mode::HotStandby, Mode::Leader, Mode::Backup, Mode::Disabled]);
            (Order::Mode(on, Some(mode)), rng.chance(500).then_some(Order::Mode(on, None)))
        }
        5 => (Order::Priority(on, Some(rng.pick(&[-5, 5, 20]))), None),
        6 => (Order::Switchover(Some(on), None), None),
        _ => (Order::Switchover(None, Some(rng.between(1, 6))), None),
    };
    plan.faults.push((at, Fault::Order(group.clone(), order)));
    if let Some(then) = then.filter(|_| until < plan.healed) {
        plan.faults.push((until, Fault::Order(group, then)));
    }
}
