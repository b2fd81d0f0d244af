//! dead_before_next: a session ends in the store, and a leadership changes, only when what acted under
//! it is dead; and silence ends a session only when its lease has run out in true time.

use std::collections::BTreeMap;

use hotseat_core::{Epoch, GroupId, Key, Nonce, Record, SessionState};

use super::{Fact, Place};

#[derive(Debug)]
struct Acting {
    group: GroupId,
    place: Place,
    epoch: Epoch,
    session: Nonce,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct DeadBeforeNext {
    acting: Vec<Acting>,
    /// By when everything of a session is dead.
    leases: BTreeMap<Nonce, u64>,
    /// When silence ended a session.
    expired: BTreeMap<Nonce, u64>,
}

impl DeadBeforeNext {
    pub(super) fn see(&mut self, now: u64, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Acts { group, place, epoch, session } => {
                self.acting.retain(|it| it.place != *place || it.group != **group);
                let (group, place, epoch, session) = ((*group).clone(), *place, *epoch, *session);
                self.acting.push(Acting { group, place, epoch, session });
                Ok(())
            }
            Fact::Ceases { group, place } => {
                self.acting.retain(|it| it.place != *place || it.group != **group);
                Ok(())
            }
            Fact::Leased { session, dead_by, .. } => self.leased(session.id, *dead_by),
            Fact::Applied { key, before, after } => self.applied(now, key, *before, after),
            _ => Ok(()),
        }
    }

    fn leased(&mut self, session: Nonce, dead_by: u64) -> Result<(), String> {
        let lease = self.leases.entry(session).or_default();
        *lease = dead_by.max(*lease);
        match self.expired.get(&session) {
            Some(expired) if *expired < dead_by => Err(format!(
                "session {session:?} was ended for silence {} ns before its lease ran out",
                dead_by - expired
            )),
            Some(_) | None => Ok(()),
        }
    }

    fn applied(&mut self, now: u64, key: &Key, before: Option<&Record>, after: &Record) -> Result<(), String> {
        match (key, before, after) {
            (Key::Session(node), Some(Record::Session(before)), Record::Session(after)) => {
                let ended = before.state == SessionState::Alive
                    && (after.state != SessionState::Alive || after.session != before.session);
                if !ended {
                    return Ok(());
                }
                let session = before.session.id;
                if let Some(it) = self.acting.iter().find(|it| it.session == session) {
                    return Err(format!("{node}'s session {session:?} ended as {:?} while {it:?} acts", after.state));
                }
                self.silence(now, session, after.state)
            }
            (Key::Group(group), _, Record::Group(after)) if after.leader.is_some() => {
                let late = self.acting.iter().find(|it| it.group == *group && it.epoch < after.epoch);
                late.map_or(Ok(()), |it| Err(format!("epoch {} of {group} began while {it:?} acts", after.epoch)))
            }
            _ => Ok(()),
        }
    }

    fn silence(&mut self, now: u64, session: Nonce, state: SessionState) -> Result<(), String> {
        if state != SessionState::Expired {
            return Ok(());
        }
        self.expired.insert(session, now);
        let lease = self.leases.get(&session).copied().unwrap_or_default();
        if lease > now {
            return Err(format!("session {session:?} ended for silence {} ns before its lease ran out", lease - now));
        }
        Ok(())
    }
}
