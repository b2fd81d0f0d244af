//! From the roll to the voters, one safe step at a time. It decides, and does nothing.
//!
//! ```text
//!  roll ──> learner in the log ──caught up──> voter in the log ──> voter in the record ══ acknowledges renewals
//!  out:     voter in the record ──> gone from the record ──> learner in the log ──> gone from the log
//! ```
//! A voter is added before another is taken out; and never is the record ahead of the log. The log's law sees to it
//! that each change of the record waits until every living session counts on the last (B6).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hotseat_core::VoterId;

use super::roll::{Member, Roll};

/// More voters than this cost every commit and every renewal, and help nobody.
const VOTERS_MAX: usize = 5;

/// One incarnation, as the log's own membership has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Where it is reached.
    pub address: String,
    /// It votes in the log.
    pub voter: bool,
    /// It has nearly all of the log.
    pub caught_up: bool,
    /// How long it has not been heard of.
    pub silent: Duration,
}

/// A member that was taken out stops by itself, in order, once it votes no more; until it is silent it may be handing over.
const GONE_AFTER: Duration = Duration::from_secs(3);

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bring it into the log as a learner, or correct its address.
    Learn(VoterId, Member),
    /// Make it a voter of the log.
    Promote(VoterId),
    /// Write this set to the record of voters.
    Record(BTreeSet<VoterId>),
    /// Make it a learner of the log again.
    Demote(VoterId),
    /// Take it out of the log.
    Forget(VoterId),
}

/// What is known when a step is chosen.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Who belongs to the cluster.
    pub roll: &'a Roll,
    /// Who is in the log.
    pub log: &'a BTreeMap<VoterId, Standing>,
    /// Who acknowledges renewals; empty: nobody yet.
    pub record: &'a BTreeSet<VoterId>,
    /// This node, which leads the log.
    pub own: VoterId,
    /// A voter that was silent for so long gives its place to a spare.
    pub replace_after: Duration,
}

/// The next step, if there is one.
#[must_use]
pub fn next(picture: &Picture<'_>) -> Option<Step> {
    if picture.record.is_empty() {
        return Some(Step::Record([picture.own].into()));
    }
    picture.learn().or_else(|| picture.toward(&picture.wanted()))
}

impl Picture<'_> {
    fn learn(&self) -> Option<Step> {
        let missing =
            |id: &VoterId, member: &Member| self.log.get(id).is_none_or(|standing| standing.address != member.address);
        let (id, member) = self.roll.present().find(|(id, member)| missing(id, member))?;
        Some(Step::Learn(id, member.clone()))
    }

    /// Who should vote: those who do and are well, then whoever is ready.
    fn wanted(&self) -> BTreeSet<VoterId> {
        let present: BTreeSet<_> = self.roll.present().map(|(id, _)| id).collect();
        let places = match present.len() {
            // A fourth voter would only raise the majority: it is a spare.
            4 => 3,
            count => count.min(VOTERS_MAX),
        };
        let known = self.log.iter().filter(|(id, _)| present.contains(id));
        let rank = |standing: &Standing| {
            let dead = standing.silent >= self.replace_after;
            (dead, !standing.voter, !standing.caught_up)
        };
        let mut known: Vec<_> = known.map(|(id, standing)| (rank(standing), *id)).collect();
        known.sort_unstable();
        known.into_iter().take(places).map(|(_, id)| id).collect()
    }

    fn toward(&self, wanted: &BTreeSet<VoterId>) -> Option<Step> {
        let voters: BTreeSet<_> = self.log.iter().filter(|(_, it)| it.voter).map(|(id, _)| *id).collect();
        let ready = |id: &&VoterId| self.log[*id].caught_up && self.log[*id].silent < self.replace_after;
        if let Some(id) = wanted.difference(&voters).find(ready) {
            return Some(Step::Promote(*id));
        }
        if let Some(id) = wanted.intersection(&voters).find(|id| !self.record.contains(id)) {
            return Some(Step::Record(self.record.iter().copied().chain([*id]).collect()));
        }
        // Nobody goes before everybody who is wanted has come: a place is never left empty by a replacement.
        let replaced = wanted.iter().all(|id| self.record.contains(id));
        let leaver =
            self.record.difference(wanted).find(|id| replaced || !self.roll.present().any(|(it, _)| it == **id));
        if let Some(id) = leaver.filter(|_| self.record.len() > 1) {
            return Some(Step::Record(self.record.iter().copied().filter(|it| it != id).collect()));
        }
        let out = |id: &&VoterId| !wanted.contains(id) && !self.record.contains(id);
        if let Some(id) = voters.iter().find(out) {
            return Some(Step::Demote(*id));
        }
        let gone = |id: &VoterId| self.log[id].silent >= GONE_AFTER;
        let removed = self.roll.removed().filter(|id| self.log.contains_key(id) && !self.record.contains(id));
        removed.into_iter().find(gone).map(Step::Forget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        roll: Roll,
        log: BTreeMap<VoterId, Standing>,
        record: BTreeSet<VoterId>,
    }

    impl World {
        fn new() -> Self {
            Self { roll: Roll::default(), log: BTreeMap::new(), record: BTreeSet::new() }
        }

        fn come(&mut self, id: u64) {
            let member =
                Member { name: format!("n{id}"), address: format!("h{id}:7700"), witness: false, removed: false };
            self.roll.0.insert(VoterId(id), (1, member));
        }

        fn leave(&mut self, id: u64) {
            self.roll.0.get_mut(&VoterId(id)).expect("it came").1.removed = true;
        }

        /// Takes steps until there is none, as a cluster whose every node is well would; says them.
        fn settle(&mut self) -> Vec<Step> {
            let mut taken = Vec::new();
            let own = VoterId(1);
            let replace_after = Duration::from_secs(600);
            loop {
                let Self { roll, log, record } = &*self;
                let Some(step) = next(&Picture { roll, log, record, own, replace_after }) else { return taken };
                self.take(step.clone());
                taken.push(step);
                assert!(taken.len() < 100, "it never settles: {taken:?}");
            }
        }

        fn take(&mut self, step: Step) {
            match step {
                Step::Learn(id, member) => {
                    let voter = self.log.get(&id).is_some_and(|it| it.voter);
                    let standing = Standing { address: member.address, voter, caught_up: true, silent: Duration::ZERO };
                    self.log.insert(id, standing);
                }
                Step::Promote(id) => self.log.get_mut(&id).expect("a learner").voter = true,
                Step::Demote(id) => {
                    let standing = self.log.get_mut(&id).expect("a voter");
                    standing.voter = false;
                    // Whoever was taken out stops now.
                    if self.roll.removed().any(|removed| removed == id) {
                        standing.silent = GONE_AFTER;
                    }
                }
                Step::Forget(id) => drop(self.log.remove(&id)),
                Step::Record(set) => {
                    let differ = set.symmetric_difference(&self.record).count();
                    assert!(differ == 1, "one at a time: {:?} to {set:?}", self.record);
                    for id in &set {
                        assert!(
                            self.log.get(id).is_some_and(|it| it.voter),
                            "{id:?} votes in the record, not in the log"
                        );
                    }
                    self.record = set;
                }
            }
            let voters = self.log.iter().filter(|(_, it)| it.voter).map(|(id, _)| *id).collect();
            assert!(self.record.is_subset(&voters), "{:?} of {voters:?}", self.record);
        }
    }

    fn first() -> World {
        let mut world = World::new();
        world.come(1);
        world.log.insert(
            VoterId(1),
            Standing { address: "h1:7700".into(), voter: true, caught_up: true, silent: Duration::ZERO },
        );
        world.settle();
        world
    }

    fn set(ids: &[u64]) -> BTreeSet<VoterId> {
        ids.iter().copied().map(VoterId).collect()
    }

    #[test]
    fn a_cluster_grows_and_shrinks_one_voter_at_a_time() {
        let mut world = first();
        for (id, voters) in [(2, &[1, 2][..]), (3, &[1, 2, 3]), (4, &[1, 2, 3]), (5, &[1, 2, 3, 4, 5])] {
            world.come(id);
            world.settle();
            assert_eq!(world.record, set(voters), "after {id} came");
        }
        world.come(6);
        world.settle();
        assert_eq!(world.record, set(&[1, 2, 3, 4, 5]), "a sixth is a spare");
        world.leave(2);
        world.settle();
        assert_eq!(world.record, set(&[1, 3, 4, 5, 6]), "the spare takes its place");
        assert!(!world.log.contains_key(&VoterId(2)));
    }

    #[test]
    fn a_dead_voter_gives_its_place_to_a_spare_but_not_to_nobody() {
        let mut world = first();
        for id in 2..=4 {
            world.come(id);
        }
        world.settle();
        assert_eq!(world.record, set(&[1, 2, 3]));
        world.log.get_mut(&VoterId(2)).expect("a voter").silent = Duration::from_secs(3600);
        world.settle();
        assert_eq!(world.record, set(&[1, 3, 4]));
        world.log.get_mut(&VoterId(3)).expect("a voter").silent = Duration::from_secs(3600);
        world.settle();
        assert_eq!(world.record, set(&[1, 3, 4]), "nobody could stand in: it stays");
    }

    #[test]
    fn a_new_address_is_learnt() {
        let mut world = first();
        world.roll.0.get_mut(&VoterId(1)).expect("the first").1.address = "h9:7700".into();
        let steps = world.settle();
        assert!(matches!(&steps[..], [Step::Learn(VoterId(1), member)] if member.address == "h9:7700"));
    }
}
