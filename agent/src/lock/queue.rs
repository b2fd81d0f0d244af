//! Where a lock stands among those that wait: who comes later is served later, without a clock.
//!
//! The later one takes a priority just below the lowest that it sees, as one takes a number in a shop. Two that come in
//! the same instant may take the same; then their names decide. It orders, and safety never rests on it.

use hotseat_core::{Expect, GroupRecord, Key, Look, NodeName, Nonce, Reason, Record};

use super::name::LockName;
use super::sight::{holder, waiting};

/// What was found of a lock's seats.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    /// A seat that nobody holds, else the one with the fewest in line for it.
    pub(crate) seat: u32,
    /// Whether somebody holds that seat.
    pub(crate) held: bool,
    /// What to come in with.
    pub(crate) priority: i64,
    /// How many wait already.
    pub(crate) waiting: usize,
}

impl Queue {
    pub(crate) fn of(look: &Look, lock: &LockName, seats: u32) -> Self {
        let held = |seat: u32| match look.records.get(&Key::Group(lock.seat(seat))) {
            Some((_, Ok(Record::Group(record)))) => holder(look, record).is_some(),
            None => false,
            Some(_) => true,
        };
        let in_line = |seat: u32| {
            let group = lock.seat(seat);
            waiting(look, lock)
                .filter(|(session, _)| session.members.get(&group).is_some_and(|it| it.candidate))
                .count()
        };
        let seat = (0..seats).min_by_key(|seat| (held(*seat), in_line(*seat), *seat)).unwrap_or(0);
        let lowest = waiting(look, lock).map(|(_, member)| member.priority).min().unwrap_or(0).min(0);
        let waiting = waiting(look, lock).count();
        Self { seat, held: held(seat), priority: lowest.saturating_sub(1), waiting }
    }
}

/// A seat that nobody holds or waits for is marked as the comer's: it need not wait whether a better one comes, as a
/// group's first leader does. Whether it gets it is for its claim to say.
pub(crate) fn mark(
    look: &Look,
    lock: &LockName,
    seat: u32,
    node: &NodeName,
    nonce: Nonce,
) -> Option<(Key, Expect, Record)> {
    let key = Key::Group(lock.seat(seat));
    let fresh = GroupRecord {
        nonce,
        epoch: hotseat_core::Epoch(0),
        leader: None,
        serving: false,
        service: None,
        next: Some(node.clone()),
        avoid: None,
        reason: Reason::First,
        unrest: 0,
        obeyed: 0,
    };
    match look.records.get(&key) {
        None => Some((key, Expect::Absent, Record::Group(fresh))),
        Some((version, Ok(Record::Group(record)))) if record.leader.is_none() => {
            let marked = GroupRecord { epoch: record.epoch, reason: record.reason.clone(), ..fresh };
            Some((key, Expect::Version(*version), Record::Group(marked)))
        }
        Some(_) => None,
    }
}
