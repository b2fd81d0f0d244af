//! voters_overlap: while a lease runs, no majority of the voters in force is without one that acknowledged the renewal
//! it counts from, or a later one (B1, B4, B6, B7). So nobody can end it behind its back.
//!
//! It counts what voters really answered, and the set that really stands in the log; not what the holder made of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hotseat_core::{Instant, Nonce, Record, SessionId, SessionState, VoterId};

use super::Fact;

/// Sends remembered of a session: more than a lease counts back to.
const SENT_MAX: usize = 128;

#[derive(Debug, Default)]
struct Lease {
    sent: VecDeque<(u64, Instant)>,
    acknowledged: BTreeMap<VoterId, u64>,
    from: Instant,
    dead_by: u64,
    /// Nothing of the session acts any more, or will.
    over: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct VotersOverlap {
    voters: BTreeSet<VoterId>,
    leases: BTreeMap<Nonce, Lease>,
}

impl VotersOverlap {
    pub(super) fn see(&mut self, now: u64, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Renewed { session, seq, sent, .. } => {
                let lease = self.leases.entry(session.id).or_default();
                if lease.sent.len() == SENT_MAX {
                    lease.sent.pop_front();
                }
                lease.sent.push_back((*seq, *sent));
                Ok(())
            }
            Fact::Acknowledged { voter, session, seq } => {
                if let Some(lease) = self.leases.get_mut(&session.id) {
                    let newest = lease.acknowledged.entry(*voter).or_default();
                    *newest = (*seq).max(*newest);
                }
                Ok(())
            }
            Fact::Leased { session, from, dead_by } => self.leased(session, *from, *dead_by),
            Fact::Applied { after: Record::Voters(after), .. } => {
                self.voters.clone_from(&after.voters);
                let mut running = self.leases.iter().filter(|(_, lease)| !lease.over && lease.dead_by > now);
                running.try_for_each(|(session, lease)| self.covered(*session, lease))
            }
            Fact::Applied { before: Some(Record::Session(before)), after: Record::Session(after), .. } => {
                let ends = after.state != SessionState::Alive || after.session != before.session;
                if let Some(lease) = self.leases.get_mut(&before.session.id).filter(|_| ends) {
                    lease.over = true;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn leased(&mut self, session: &SessionId, from: Instant, dead_by: u64) -> Result<(), String> {
        if self.voters.is_empty() {
            return Ok(());
        }
        let lease = self.leases.entry(session.id).or_default();
        (lease.from, lease.dead_by) = (from, dead_by);
        if lease.over { Ok(()) } else { self.covered(session.id, &self.leases[&session.id]) }
    }

    fn covered(&self, session: Nonce, lease: &Lease) -> Result<(), String> {
        let first = lease.sent.iter().find(|(_, sent)| *sent >= lease.from).map_or(u64::MAX, |(seq, _)| *seq);
        let know = |voter: &&VoterId| lease.acknowledged.get(*voter).is_some_and(|seq| *seq >= first);
        let knowing = self.voters.iter().filter(know).count();
        if (self.voters.len() - knowing) * 2 > self.voters.len() {
            return Err(format!(
                "session {session:?} counts on renewal {first}, which only {knowing} of {:?} have acknowledged: the \
                 others could end it behind its back",
                self.voters
            ));
        }
        Ok(())
    }
}
