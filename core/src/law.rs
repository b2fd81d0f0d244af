//! What may be written where a log applies the writes: checked on every replica, at the position of the write, with
//! nothing but what stands in the log before it. So all replicas decide alike.
//!
//! It makes sure of what a correct node does anyway, and of what no node can know alone: that the promisers are a
//! majority of the voters *in force at that position* (B4), and that voters change one at a time, each change only
//! once every living session counts on the last (B6).

use crate::mutant::{Mutant, Rules};
use crate::quorum::majority;
use crate::record::{Grounds, GroupRecord, Record, SessionRecord, SessionState, VotersRecord};

/// Whether `after` may follow `before`.
///
/// `voters` is the set in force; `sessions` are all session records that stand. Versions are compared by the caller.
pub fn allows<'a>(
    rules: Rules,
    voters: Option<&VotersRecord>,
    mut sessions: impl Iterator<Item = &'a SessionRecord>,
    before: Option<&Record>,
    after: &Record,
) -> bool {
    match (before, after) {
        (None, Record::Voters(after)) => after.number == 1 && !after.voters.is_empty(),
        (Some(Record::Voters(before)), Record::Voters(after)) => {
            let seen = rules.breaks(Mutant::ChangesUngated) || {
                let mut living = sessions.by_ref().filter(|session| session.state == SessionState::Alive);
                living.all(|session| session.seen == Some(before.number))
            };
            seen && follows(rules, before, after)
        }
        (None, Record::Session(after)) => begins(voters, None, after),
        (Some(Record::Session(before)), Record::Session(after)) => session(rules, voters, before, after),
        (None, Record::Group(_)) => true,
        (Some(Record::Group(before)), Record::Group(after)) => group(before, after, sessions),
        (Some(Record::Voters(_) | Record::Session(_) | Record::Group(_)), _) => false,
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
fn group<'a>(before: &GroupRecord, after: &GroupRecord, mut sessions: impl Iterator<Item = &'a SessionRecord>) -> bool {
    if after.epoch == before.epoch {
        // Within an epoch its leader may say more, or let go; nobody else may come.
        return after.leader.is_none() || after.leader == before.leader;
    }
    let over = before.leader.as_ref().is_none_or(|leader| {
        let own = after.leader.as_ref().is_some_and(|next| next.session == leader.session);
        let stands = sessions.any(|it| it.session == leader.session && it.state == SessionState::Alive);
        own || !stands
    });
    after.epoch == before.epoch.next() && over
}
