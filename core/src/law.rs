//! What may be written where a log applies the writes: checked on every replica, at the position of the write, with
//! nothing but what stands in the log before it. So all replicas decide alike.
//!
//! It makes sure of what a correct node does anyway, and of what no node can know alone: that the promisers are a
//! majority of the voters *in force at that position* (B4), and that voters change one at a time, each change only
//! once every living session counts on the last (B6).

use core::borrow::Borrow;

use crate::mutant::{Mutant, Rules};
use crate::quorum::majority;
use crate::record::{Grounds, GroupRecord, Record, SessionRecord, SessionState, VotersRecord};

/// Whether `after` may follow `before`.
///
/// `voters` is the set in force; `sessions` are all session records that stand, asked for only
/// where it depends on them. Versions are compared by the caller.
pub fn allows<S: Borrow<SessionRecord>>(
    rules: Rules,
    voters: Option<&VotersRecord>,
    mut sessions: impl Iterator<Item = S>,
    before: Option<&Record>,
    after: &Record,
) -> bool {
    match (before, after) {
        (None, Record::Voters(after)) => after.number == 1 && !after.voters.is_empty(),
        (Some(Record::Voters(before)), Record::Voters(after)) => {
            let seen = rules.breaks(Mutant::ChangesUngated) || {
                sessions.all(|session| {
                    let session = session.borrow();
                    session.state != SessionState::Alive || session.seen == Some(before.number)
                })
            };
            seen && follows(rules, before, after)
        }
        (None, Record::Session(after)) => begins(voters, None, after),
        (Some(Record::Session(before)), Record::Session(after)) => session(rules, voters, before, after),
        (None, Record::Group(_)) => true,
        (Some(Record::Group(before)), Record::Group(after)) => group(before, after, sessions),
        // What people order is no business of the law: nothing that must hold depends on it.
        (None | Some(Record::Orders(_)), Record::Orders(_)) => true,
        (Some(Record::Voters(_) | Record::Session(_) | Record::Group(_) | Record::Orders(_)), _) => false,
    }
}

/// B6: one comes or goes at a time.
fn follows(rules: Rules, before: &VotersRecord, after: &VotersRecord) -> bool {
    let differ = before.voters.symmetric_difference(&after.voters).count();
    let one = differ == 1 || rules.breaks(Mutant::ArbitraryChanges);
    after.number == before.number + 1 && one && !after.voters.is_empty()
}

fn session(rules: Rules, voters: Option<&VotersRecord>, before: &SessionRecord, after: &SessionRecord) -> bool {
    let same = before.session == after.session;
    match (before.state, after.state) {
        (SessionState::Alive, SessionState::Alive) => same && before.seen <= after.seen && !ahead(voters, after),
        (SessionState::Alive, SessionState::Released) => same,
        (SessionState::Alive, SessionState::Proven) => same && proven(before, after),
        (SessionState::Alive, SessionState::Expired) => same && promised(rules, voters, after),
        // Ended is for good; only a later session may stand in its place (A4).
        (_, SessionState::Alive) => begins(voters, Some(before), after),
        (SessionState::Released | SessionState::Proven | SessionState::Expired, _) => false,
    }
}

/// A session begins with the newest set, or a change in between would not be gated by it (B6).
fn begins(voters: Option<&VotersRecord>, before: Option<&SessionRecord>, after: &SessionRecord) -> bool {
    let later = before.is_none_or(|before| after.session.ordinal > before.session.ordinal);
    later && after.state == SessionState::Alive && after.seen == voters.map(|voters| voters.number)
}

/// Nobody has seen a set that is not there.
fn ahead(voters: Option<&VotersRecord>, after: &SessionRecord) -> bool {
    after.seen > voters.map(|voters| voters.number)
}

/// D7: a valid proof ends a session by itself.
fn proven(before: &SessionRecord, after: &SessionRecord) -> bool {
    matches!(&after.grounds, Some(Grounds::Proof(secret)) if secret.hash() == before.proof)
}

/// B4: judged by the set in force where the write is applied.
fn promised(rules: Rules, voters: Option<&VotersRecord>, after: &SessionRecord) -> bool {
    let (Some(voters), Some(Grounds::Promises(promisers))) = (voters, &after.grounds) else { return false };
    majority(&voters.voters, promisers) || (rules.breaks(Mutant::Minority) && !promisers.is_empty())
}

/// An epoch never goes back, and a new one only follows a leadership that is over, or one's own (A2).
fn group<S: Borrow<SessionRecord>>(
    before: &GroupRecord,
    after: &GroupRecord,
    mut sessions: impl Iterator<Item = S>,
) -> bool {
    if after.epoch == before.epoch {
        // Within an epoch its leader may say more, or let go; nobody else may come.
        return after.leader.is_none() || after.leader == before.leader;
    }
    let over = before.leader.as_ref().is_none_or(|leader| {
        let own = after.leader.as_ref().is_some_and(|next| next.session == leader.session);
        let stands = sessions.any(|it| {
            let it = it.borrow();
            it.session == leader.session && it.state == SessionState::Alive
        });
        own || !stands
    });
    after.epoch == before.epoch.next() && over
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Epoch, NodeName, Nonce, SessionId, VoterId};
    use crate::message::Reason;
    use crate::proof::Secret;
    use crate::record::Leader;
    use crate::timing::Timing;
    use alloc::collections::{BTreeMap, BTreeSet};
    use alloc::string::String;

    const SECRET: Secret = Secret([7; 32]);

    fn set(ids: &[u64]) -> BTreeSet<VoterId> {
        ids.iter().copied().map(VoterId).collect()
    }

    fn voters(number: u64, ids: &[u64]) -> VotersRecord {
        VotersRecord { nonce: Nonce(0), number, voters: set(ids) }
    }

    fn it(ordinal: u64, state: SessionState, seen: u64) -> SessionRecord {
        SessionRecord {
            nonce: Nonce(0),
            node: NodeName::new("n1").expect("a plain name"),
            session: SessionId { ordinal, id: Nonce(u128::from(ordinal)) },
            seq: 1,
            state,
            promise: Timing::FAST.promise(),
            proof: SECRET.hash(),
            address: String::new(),
            version: String::new(),
            region: String::new(),
            contained: String::new(),
            members: BTreeMap::new(),
            seen: Some(seen),
            grounds: None,
            demise: None,
            before: None,
        }
    }

    fn alive(ordinal: u64, seen: u64) -> SessionRecord {
        it(ordinal, SessionState::Alive, seen)
    }

    fn ended(state: SessionState, grounds: Option<Grounds>) -> SessionRecord {
        SessionRecord { grounds, ..it(1, state, 1) }
    }

    fn by_promises(ids: &[u64]) -> SessionRecord {
        ended(SessionState::Expired, Some(Grounds::Promises(set(ids))))
    }

    /// With three voters in force, the second set there was.
    fn check(before: Option<SessionRecord>, after: SessionRecord, expected: bool) {
        let voters = voters(2, &[1, 2, 3]);
        let (before, after) = (before.map(Record::Session), Record::Session(after));
        let found =
            allows(Rules::default(), Some(&voters), core::iter::empty::<SessionRecord>(), before.as_ref(), &after);
        assert_eq!(found, expected, "{before:?} then {after:?}");
    }

    fn changes(living: &[SessionRecord], after: &VotersRecord) -> bool {
        let before = voters(2, &[1, 2, 3]);
        let (was, after) = (Record::Voters(before.clone()), Record::Voters(after.clone()));
        allows(Rules::default(), Some(&before), living.iter(), Some(&was), &after)
    }

    #[test]
    fn a_session_begins_after_the_last_and_with_the_newest_set() {
        check(None, alive(1, 2), true);
        check(None, alive(1, 1), false);
        check(None, alive(1, 3), false);
        check(Some(it(1, SessionState::Released, 1)), alive(2, 2), true);
        check(Some(it(1, SessionState::Released, 1)), alive(1, 2), false);
        check(Some(alive(1, 2)), alive(2, 2), false);
        check(None, by_promises(&[1, 2, 3]), false);
    }

    #[test]
    fn a_session_goes_on_and_never_back() {
        check(Some(alive(1, 1)), alive(1, 2), true);
        check(Some(alive(1, 2)), alive(1, 1), false);
        check(Some(alive(1, 1)), alive(1, 3), false);
        for state in [SessionState::Released, SessionState::Proven, SessionState::Expired] {
            check(Some(it(1, state, 1)), alive(1, 2), false);
            check(Some(it(1, state, 1)), by_promises(&[1, 2, 3]), false);
        }
    }

    #[test]
    fn promises_of_a_majority_in_force_end_a_session() {
        check(Some(alive(1, 1)), by_promises(&[1, 2]), true);
        check(Some(alive(1, 1)), by_promises(&[1]), false);
        check(Some(alive(1, 1)), by_promises(&[1, 8, 9]), false);
        check(Some(alive(1, 1)), by_promises(&[]), false);
        check(Some(alive(1, 1)), ended(SessionState::Expired, None), false);
        check(Some(alive(2, 1)), by_promises(&[1, 2]), false);
    }

    #[test]
    fn the_guards_secret_ends_a_session_and_no_other_does() {
        check(Some(alive(1, 1)), ended(SessionState::Proven, Some(Grounds::Proof(SECRET))), true);
        check(Some(alive(1, 1)), ended(SessionState::Proven, Some(Grounds::Proof(Secret([8; 32])))), false);
        check(Some(alive(1, 1)), ended(SessionState::Proven, None), false);
        check(Some(alive(1, 1)), ended(SessionState::Released, None), true);
    }

    #[test]
    fn voters_change_one_at_a_time_once_everybody_counts_on_the_last_set() {
        assert!(changes(&[alive(1, 2)], &voters(3, &[1, 2, 3, 4])));
        assert!(changes(&[], &voters(3, &[1, 2])));
        assert!(changes(&[it(1, SessionState::Expired, 1)], &voters(3, &[1, 2])), "what is ended bars nothing");
        assert!(!changes(&[alive(1, 1)], &voters(3, &[1, 2])), "it still counts on the first set");
        assert!(!changes(&[], &voters(3, &[1, 2, 4])), "one comes and one goes");
        assert!(!changes(&[], &voters(3, &[1, 2, 3])), "no change");
        assert!(!changes(&[], &voters(4, &[1, 2])), "a number is left out");
    }

    #[test]
    fn an_epoch_follows_only_what_is_over() {
        let group = |epoch, session: Option<&SessionRecord>| {
            let leader = session.map(|it| Leader { node: it.node.clone(), session: it.session });
            let (serving, service, next, avoid) = (false, None, None, None);
            let reason = Reason::First;
            Record::Group(GroupRecord {
                nonce: Nonce(0),
                epoch: Epoch(epoch),
                leader,
                serving,
                service,
                next,
                avoid,
                reason,
                unrest: 0,
                obeyed: 0,
            })
        };
        let (mine, other) = (alive(1, 1), alive(2, 1));
        let follows = |living: &[&SessionRecord], before: &Record, after: &Record| {
            allows(Rules::default(), None, living.iter().copied(), Some(before), after)
        };
        let held = group(4, Some(&mine));
        assert!(!follows(&[&mine], &held, &group(5, Some(&other))), "its leader stands");
        assert!(follows(&[], &held, &group(5, Some(&other))));
        assert!(follows(&[&mine], &held, &group(5, Some(&mine))), "one's own epoch may be followed");
        assert!(follows(&[&mine], &held, &group(4, None)));
        assert!(follows(&[&mine], &group(4, None), &group(5, Some(&other))));
        assert!(!follows(&[], &held, &group(4, Some(&other))), "within an epoch nobody else comes");
        assert!(!follows(&[], &held, &group(6, Some(&other))), "an epoch is left out");
        assert!(!follows(&[], &held, &group(3, None)), "back");
    }
}
