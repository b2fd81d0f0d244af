//! What the records say of locks: who holds which, and who waits. It only reads.

use std::collections::BTreeMap;

use hotseat_client::{Lock, LockParty, LockSeat};
use hotseat_core::{GroupId, GroupRecord, Key, Leader, Look, Member, Record, SessionRecord, SessionState};

use super::name::LockName;

/// How a lock says who it is, where a service would say where it answers.
#[must_use]
pub(crate) fn signature(node: &str, pid: u32) -> String {
    format!("{node}/{pid}")
}

fn party(signature: Option<&str>, fallback: &str) -> LockParty {
    match signature.and_then(|text| text.rsplit_once('/')) {
        Some((node, pid)) => LockParty { node: node.to_owned(), pid: pid.parse().ok() },
        None => LockParty { node: fallback.to_owned(), pid: None },
    }
}

/// Every lock that the records speak of, by name; `since` tells since when a seat's holder has it.
pub fn locks(look: &Look, since: impl Fn(&GroupId) -> Option<String>) -> Vec<Lock> {
    let mut all: BTreeMap<String, Lock> = BTreeMap::new();
    for (key, (_, record)) in &look.records {
        let Key::Group(group) = key else { continue };
        let (Some((seat, name)), Ok(Record::Group(record))) = (LockName::of_group(group), record) else { continue };
        let waiting = || waiting(look, &name).map(|(_, member)| party(member.service.as_deref(), "?")).collect();
        let lock = all.entry(name.to_string()).or_insert_with(|| Lock {
            name: name.to_string(),
            seats: Vec::new(),
            waiting: waiting(),
        });
        let holder = holder(look, record);
        let since = since(group).filter(|_| holder.is_some());
        lock.seats.push(LockSeat { seat, epoch: record.epoch.0, holder, since });
    }
    all.into_values().collect()
}

/// Who holds a seat, as far as the store tells: a holder that is silent holds until it is ended.
pub(crate) fn holder(look: &Look, record: &GroupRecord) -> Option<LockParty> {
    let leader = record.leader.as_ref().filter(|leader| stands(look, leader))?;
    Some(party(record.service.as_deref(), leader.node.as_str()))
}

fn stands(look: &Look, leader: &Leader) -> bool {
    match look.records.get(&Key::Session(leader.node.clone())) {
        Some((_, Ok(Record::Session(record)))) => {
            record.session == leader.session && record.state == SessionState::Alive
        }
        // What cannot be read counts as held.
        Some((_, Err(_))) => true,
        Some((_, Ok(Record::Group(_) | Record::Orders(_) | Record::Voters(_)))) | None => false,
    }
}

/// Who waits for a lock, at whatever seat.
pub(crate) fn waiting<'a>(
    look: &'a Look,
    lock: &'a LockName,
) -> impl Iterator<Item = (&'a SessionRecord, &'a Member)> + 'a {
    let sessions = look.records.values().filter_map(|(_, record)| match record {
        Ok(Record::Session(record)) if record.state == SessionState::Alive => Some(record),
        Ok(_) | Err(_) => None,
    });
    sessions.filter_map(move |record| {
        let waits = |(group, member): (&GroupId, &Member)| {
            let its = LockName::of_group(group).is_some_and(|(_, name)| name == *lock);
            its && member.candidate && !leads(look, group, record)
        };
        let (_, member) = record.members.iter().find(|(group, member)| waits((group, member)))?;
        let holds = record.members.keys().any(|group| leads(look, group, record));
        (!holds).then_some((record, member))
    })
}

fn leads(look: &Look, group: &GroupId, session: &SessionRecord) -> bool {
    let record = look.records.get(&Key::Group(group.clone()));
    let Some((_, Ok(Record::Group(record)))) = record else { return false };
    record.leader.as_ref().is_some_and(|leader| leader.session == session.session)
}
