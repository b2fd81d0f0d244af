//! The way to the store and back: delays, losses, cuts, the past. The store itself is in `store`.

use hotseat_core::{Expect, Input, Key, Outcome, Record, Ticket};

use super::World;
use crate::clock::MS;
use crate::event::{AgentRef, Call, What};
use crate::fault::Cut;
use crate::invariants::Fact;
use crate::rng::Rng;

/// A late write lands within so many store time-outs.
const LATE_MAX: u64 = 5;
/// A node's own copy of the log is read in so long.
const READ_MIN: u64 = MS / 20;
const READ_MAX: u64 = MS / 2;

impl World {
    /// When a call that leaves now counts as unanswered.
    fn gives_up(&self, of: AgentRef) -> u64 {
        let machine = &self.machines[of.machine];
        machine.clock.when(machine.clock.local(self.now) + machine.config.timing.store_timeout())
    }

    fn requests_pass(&self, machine: usize) -> bool {
        if let Some(log) = &self.log {
            return self.machines[machine].cut != Some(Cut::Log) && self.hears_of(log, machine);
        }
        !self.outage && !matches!(self.machines[machine].cut, Some(Cut::Requests | Cut::Log))
    }

    fn answers_pass(&self, machine: usize) -> bool {
        if let Some(log) = &self.log {
            return self.told_by(log, machine);
        }
        !self.outage && self.machines[machine].cut.is_none()
    }

    pub(crate) fn look(&mut self, of: AgentRef) {
        if self.log.is_some() {
            let took = self.rng.between(READ_MIN, READ_MAX);
            return self.later(took, What::List(of, self.now));
        }
        let took = self.net.call(&mut self.rng) + self.net.call(&mut self.rng);
        let gives_up = self.gives_up(of);
        let lost = self.rng.chance(self.net.lost);
        if lost || self.now + took >= gives_up || !self.requests_pass(of.machine) {
            self.queue.push(gives_up, What::Tell(of, Box::new(Input::LookFailed)));
        } else {
            self.later(took, What::List(of, self.now));
        }
    }

    pub(crate) fn list(&mut self, of: AgentRef, began: u64) {
        if self.log.is_some() {
            return self.read_copy(of, began);
        }
        let machine = &self.machines[of.machine];
        if !machine.lives(of.life) {
            return;
        }
        if !self.answers_pass(of.machine) {
            let timeout = machine.config.timing.store_timeout();
            let gives_up = machine.clock.when(machine.clock.local(began) + timeout);
            self.queue.push(gives_up, What::Tell(of, Box::new(Input::LookFailed)));
            return;
        }
        let (now, stale, local) = (self.now, machine.stale, machine.clock.local(began));
        let rng = &mut self.rng;
        // Each record is read at an instant of its own; a replica that lags may lag for some records only.
        let look = self.store.list(local, |key| match stale {
            Some(since) if since < began && lags(since, key) => since,
            Some(_) | None => rng.between(began, now),
        });
        self.tell_now(of, Input::Looked(look));
    }

    pub(crate) fn write(&mut self, from: AgentRef, ticket: Ticket, key: Key, expect: Expect, record: Record) {
        let gives_up = self.gives_up(from);
        let late = self.rng.chance(self.machines[from.machine].late);
        let lost = self.rng.chance(self.net.lost);
        let answer_lost = self.rng.chance(self.net.lost);
        let way =
            if late { self.rng.between(0, (gives_up - self.now) * LATE_MAX) } else { self.net.call(&mut self.rng) };
        let unanswered = late || lost || answer_lost;
        if unanswered {
            self.unknown(from, ticket, gives_up);
        }
        if lost && !late {
            return;
        }
        let back = self.net.call(&mut self.rng);
        let answer = (!unanswered).then_some(back);
        self.later(way, What::Write(Box::new(Call { from, ticket, key, expect, record, answer, gives_up })));
    }

    fn unknown(&mut self, to: AgentRef, ticket: Ticket, at: u64) {
        let input = Input::Written(ticket, Outcome::Unknown);
        self.queue.push(at.max(self.now), What::Tell(to, Box::new(input)));
    }

    pub(crate) fn write_arrives(&mut self, call: Call) {
        let Call { from, ticket, key, expect, record, answer, gives_up } = call;
        if !self.requests_pass(from.machine) {
            if answer.is_some() {
                self.unknown(from, ticket, gives_up);
            }
            return;
        }
        let outcome = self.apply(from, &key, expect, record);
        match answer {
            Some(back) if self.now + back < gives_up && self.answers_pass(from.machine) => {
                self.tell(back, from, Input::Written(ticket, outcome));
            }
            Some(_) => self.unknown(from, ticket, gives_up),
            None => {}
        }
    }

    fn apply(&mut self, from: AgentRef, key: &Key, expect: Expect, record: Record) -> Outcome {
        let before = self.store.now(key).map(|(_, record)| record.clone());
        let lawful = self.lawful(key, &record);
        let outcome = if !lawful { Outcome::Refused } else { self.store.apply(self.now, key, expect, record.clone()) };
        let machine = &self.machines[from.machine];
        self.trace.line(self.now, || machine.label(), || format!("== {key} {outcome:?}"));
        if let Outcome::Applied(_) = outcome {
            self.fact(&Fact::Applied { key, before: before.as_ref(), after: &record });
            if worth_a_hint(before.as_ref(), &record) {
                self.hint();
            }
        }
        outcome
    }

    /// Somebody says that the store changed; some do not hear it.
    pub(crate) fn hint(&mut self) {
        if self.log.is_some() {
            return self.copies_grow();
        }
        for at in 0..self.machines.len() {
            let Some(life) = self.machines[at].agent.as_ref().map(|agent| agent.life) else { continue };
            let took = self.rng.between(self.net.call_min, self.net.call_max);
            if !self.rng.chance(self.net.hints_lost) {
                self.tell(took, AgentRef { machine: at, life }, Input::Hint);
            }
        }
    }
}

/// Whether this record lags on a replica that has lagged since then: the same records all the while.
fn lags(since: u64, key: &Key) -> bool {
    let name = key.to_string();
    let salt = name.bytes().fold(since, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    Rng::new(salt).chance(600)
}

/// Renewals that change nothing but the count are not worth waking everybody for.
fn worth_a_hint(before: Option<&Record>, after: &Record) -> bool {
    match (before, after) {
        (Some(Record::Session(before)), Record::Session(after)) => {
            before.state != after.state || before.session != after.session || before.members != after.members
        }
        (Some(Record::Session(_) | Record::Group(_) | Record::Orders(_) | Record::Voters(_)) | None, _) => true,
    }
}
