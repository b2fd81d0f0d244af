//! The log at work: who leads it, who can write to it, how far each copy of it goes, and how the set of voters changes.

use std::collections::BTreeSet;

use hotseat_core::{
    Expect, Grounds, Input, Key, Mutant, Nonce, Outcome, Record, SessionRecord, VoterId, VotersRecord, allows,
};

use super::World;
use crate::clock::MS;
use crate::event::{AgentRef, What};
use crate::invariants::Fact;
use crate::log::{Change, Log, Wish};

/// How often an operator's wish is tried.
const TRY: u64 = 100 * MS;
/// For how long.
const TRIES: u64 = 6000 * MS;

impl World {
    /// Makes these machines the voters of a log of their own. Comes before everything else.
    pub(crate) fn found(&mut self, voters: &[usize]) {
        for disk in &mut self.disks {
            disk.id = VoterId(self.rng.bits());
        }
        let voters = voters.iter().map(|at| self.voter(*at)).collect();
        let founding = VotersRecord { nonce: Nonce(self.rng.wide()), number: 1, voters };
        self.store.apply(0, &Key::Voters, Expect::Absent, Record::Voters(founding.clone()));
        self.fact(&Fact::Applied { key: &Key::Voters, before: None, after: &Record::Voters(founding.clone()) });
        self.log = Some(Log::new(founding));
        self.council_changes();
    }

    /// The set in force.
    pub(crate) fn voters(&self) -> Option<&VotersRecord> {
        match self.store.now(&Key::Voters)?.1 {
            Record::Voters(record) => Some(record),
            Record::Session(_) | Record::Group(_) | Record::Orders(_) => None,
        }
    }

    fn up(&self, at: usize) -> bool {
        let machine = &self.machines[at];
        let runs = machine.agent.as_ref().is_some_and(|agent| !agent.paused);
        runs && machine.frozen.is_none() && !machine.off
    }

    fn both_ways(&self, a: usize, b: usize) -> bool {
        self.reaches(a, b) && self.reaches(b, a)
    }

    /// Whether this machine could lead the log: a voter, with a way to a majority of them and back.
    fn could_lead(&self, at: usize) -> bool {
        let Some(record) = self.voters() else { return false };
        let near: BTreeSet<_> = (0..self.machines.len())
            .filter(|other| self.up(*other) && self.both_ways(at, *other))
            .map(|other| self.voter(other))
            .collect();
        let heard = record.voters.intersection(&near).count();
        self.up(at) && record.voters.contains(&self.voter(at)) && heard * 2 > record.voters.len()
    }

    /// Somebody came or went, or a way did: the log may need another leader.
    pub(crate) fn council_changes(&mut self) {
        let Some(log) = &self.log else { return };
        let stays = log.leader.is_some_and(|at| self.could_lead(at));
        if stays || log.electing {
            return;
        }
        self.depose();
    }

    pub(crate) fn depose(&mut self) {
        let took = self.rng.between(self.net.election_min, self.net.election_max);
        if let Some(log) = &mut self.log {
            (log.leader, log.electing) = (None, true);
            self.later(took, What::Elect);
        }
    }

    pub(crate) fn elect(&mut self) {
        let able: Vec<_> = (0..self.machines.len()).filter(|at| self.could_lead(*at)).collect();
        let leader = if able.is_empty() { None } else { Some(self.rng.pick(&able)) };
        if let Some(log) = &mut self.log {
            (log.leader, log.electing) = (leader, false);
        }
    }

    /// Whether this machine's writes get to whoever leads the log.
    pub(crate) fn hears_of(&self, log: &Log, from: usize) -> bool {
        !self.outage && log.leader.is_some_and(|leader| self.reaches(from, leader))
    }

    /// Whether news of the log gets to this machine.
    pub(crate) fn told_by(&self, log: &Log, to: usize) -> bool {
        !self.outage && log.leader.is_some_and(|leader| self.reaches(leader, to))
    }

    /// Reads this machine's own copy of the log. After a start it says nothing until a leader was heard; then it is at
    /// least where it was before.
    pub(crate) fn read_copy(&mut self, of: AgentRef, began: u64) {
        let at = of.machine;
        let Some(log) = &self.log else { return };
        let fed = self.told_by(log, at) && self.hears_of(log, at);
        let machine = &mut self.machines[at];
        let Some(agent) = machine.agent.as_mut().filter(|agent| agent.life == of.life) else { return };
        if !agent.informed && !fed {
            return self.tell_now(of, Input::LookFailed);
        }
        let stands_still = machine.stale.is_some() && agent.informed;
        let disk = &mut self.disks[machine.disk];
        if fed && !stands_still {
            let newest = disk.shows == 0 || self.rng.chance(500);
            let lag = if newest { 0 } else { self.rng.below(self.net.lag + 1) };
            disk.shows = disk.shows.max(self.now.saturating_sub(lag));
        }
        agent.informed = true;
        let shows = disk.shows;
        let look = self.store.list(machine.clock.local(began), |_| shows);
        self.tell_now(of, Input::Looked(look));
    }

    /// News goes out to every copy.
    pub(crate) fn copies_grow(&mut self) {
        for at in 0..self.machines.len() {
            let took = self.net.call(&mut self.rng);
            if !self.rng.chance(self.net.hints_lost) {
                self.later(took, What::Grows(at, self.now));
            }
        }
    }

    /// The copy goes on to there, and rings.
    pub(crate) fn copy_grows(&mut self, at: usize, to: u64) {
        let Some(log) = &self.log else { return };
        if !self.told_by(log, at) || self.machines[at].stale.is_some() {
            return;
        }
        let disk = &mut self.disks[self.machines[at].disk];
        disk.shows = disk.shows.max(to);
        if let Some(life) = self.machines[at].agent.as_ref().map(|agent| agent.life) {
            self.tell_now(AgentRef { machine: at, life }, Input::Hint);
        }
    }

    /// What the log's law says of a write at its position.
    pub(crate) fn lawful(&self, key: &Key, after: &Record) -> bool {
        let Some(log) = &self.log else { return true };
        let old = self.mutant == Some(Mutant::PromisesJudgedByOldSet) && ends_by_promises(after);
        let voters = if old { Some(&log.founding) } else { self.voters() };
        let sessions: Vec<&SessionRecord> = self.store.sessions().collect();
        let before = self.store.now(key).map(|(_, record)| record);
        allows(self.rules(), voters, sessions.into_iter(), before, after)
    }

    /// An operator wants another set of voters.
    pub(crate) fn wish(&mut self, change: Change) {
        let until = if change == Change::Tidy { u64::MAX } else { self.now + TRIES };
        if let Some(log) = &mut self.log {
            log.wishes.push(Wish { change, until });
            if log.wishes.len() == 1 {
                self.later(0, What::Operator);
            }
        }
    }

    /// One try of the oldest wish.
    pub(crate) fn operate(&mut self) {
        let Some(wish) = self.log.as_ref().and_then(|log| log.wishes.first()) else { return };
        let done = match self.step_of(&wish.change) {
            None => true,
            Some(next) => {
                let given_up = self.now >= wish.until;
                self.propose(next);
                given_up
            }
        };
        let Some(log) = &mut self.log else { return };
        if done {
            log.wishes.remove(0);
        }
        if !log.wishes.is_empty() {
            self.later(TRY, What::Operator);
        }
    }

    /// Voters whose disks are no more.
    pub(crate) fn lost_voters(&self) -> Vec<VoterId> {
        let known: BTreeSet<_> = (0..self.machines.len()).map(|at| self.voter(at)).collect();
        self.voters().into_iter().flat_map(|record| record.voters.difference(&known).copied()).collect()
    }

    /// The next set on the way to what is wished; `None` when it is there, or would never recover.
    fn step_of(&self, change: &Change) -> Option<BTreeSet<VoterId>> {
        let record = self.voters()?;
        let mut next = record.voters.clone();
        match change {
            Change::Add(at) => {
                if !self.up(*at) || !next.insert(self.voter(*at)) {
                    return None;
                }
            }
            Change::Remove(at) => {
                if !next.remove(&self.voter(*at)) {
                    return None;
                }
            }
            Change::Tidy => {
                let lost = *self.lost_voters().first()?;
                let spare = (0..self.machines.len())
                    .find(|at| !self.machines[*at].twin && self.up(*at) && !next.contains(&self.voter(*at)));
                match spare.filter(|_| record.voters.len() % 2 == 1) {
                    Some(spare) => next.insert(self.voter(spare)),
                    None => next.remove(&lost),
                };
            }
            Change::Jump(to) => next = to.iter().map(|at| self.voter(*at)).collect(),
        }
        let there = self.machines.iter().map(|machine| self.disks[machine.disk].id).collect();
        let living = next.intersection(&there).count();
        (next != record.voters && living * 2 > next.len()).then_some(next)
    }

    fn propose(&mut self, voters: BTreeSet<VoterId>) {
        let Some(log) = &self.log else { return };
        let Some((version, Record::Voters(before))) = self.store.now(&Key::Voters) else { return };
        if self.outage || log.leader.is_none() {
            return;
        }
        let (before, number) = (Record::Voters(before.clone()), before.number + 1);
        let after = Record::Voters(VotersRecord { nonce: Nonce(self.rng.wide()), number, voters });
        if !self.lawful(&Key::Voters, &after) {
            return;
        }
        if let Outcome::Applied(_) = self.store.apply(self.now, &Key::Voters, Expect::Version(version), after.clone()) {
            let names = self.names_of(&after);
            self.trace.story(self.now, "log", || format!("voters are now {names}"));
            self.fact(&Fact::Applied { key: &Key::Voters, before: Some(&before), after: &after });
            self.council_changes();
            self.hint();
        }
    }

    fn names_of(&self, record: &Record) -> String {
        let Record::Voters(record) = record else { return String::new() };
        let machines = self.machines.iter().filter(|machine| record.voters.contains(&self.disks[machine.disk].id));
        let names: Vec<_> = machines.map(crate::machine::Machine::label).collect();
        let lost = record.voters.len() - names.len().min(record.voters.len());
        if lost > 0 { format!("{}, and {lost} that is lost", names.join(", ")) } else { names.join(", ") }
    }
}

fn ends_by_promises(after: &Record) -> bool {
    matches!(after, Record::Session(after) if matches!(after.grounds, Some(Grounds::Promises(_))))
}
