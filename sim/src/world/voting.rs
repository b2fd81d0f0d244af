//! What voters and those who ask them send each other, and what voters put on their disks. It judges nothing.

use std::collections::BTreeSet;

use hotseat_core::{Answer, Input, Question, Renewal, SessionId, VoterConfig, VoterId};

use super::World;
use crate::clock::MS;
use crate::event::{AgentRef, What};
use crate::fault::Cut;
use crate::invariants::Fact;

/// What an unhurt disk takes to write and sync.
const SYNC_MIN: u64 = MS / 2;
const SYNC_MAX: u64 = 10 * MS;

impl World {
    /// What this machine's voter remembers, where there are voters.
    pub(crate) fn remembers(&self, machine: usize) -> Option<VoterConfig> {
        let disk = &self.disks[self.machines[machine].disk];
        self.log.as_ref().map(|_| VoterConfig { promises: disk.promises.clone() })
    }

    pub(crate) fn voter(&self, machine: usize) -> VoterId {
        self.disks[self.machines[machine].disk].id
    }

    /// Machines that go by this incarnation: one, unless two share a disk.
    fn machines_of(&self, id: VoterId) -> Vec<usize> {
        (0..self.machines.len()).filter(|at| self.voter(*at) == id).collect()
    }

    /// Whether what one machine sends now gets to the other.
    pub(crate) fn reaches(&self, from: usize, to: usize) -> bool {
        let deaf = self.machines[to].cut == Some(Cut::Answers);
        let mute = self.machines[from].cut == Some(Cut::Requests);
        from == to || (!deaf && !mute && self.links.passes((from, to)))
    }

    pub(crate) fn renew(&mut self, of: AgentRef, renewal: Renewal) {
        let sent = self.machines[of.machine].clock.local(self.now);
        let (session, seq) = (renewal.session, renewal.seq);
        let agent = self.machines[of.machine].agent.as_ref();
        let lapsed = agent.is_some_and(|agent| agent.session == Some(session)) && self.lapsed(of);
        self.fact(&Fact::Renewed { lapsed, session, seq, sent });
        let from = self.voter(of.machine);
        for to in 0..self.machines.len() {
            self.letter(of.machine, to, Input::Asked(from, Question::Renew(renewal.clone())));
        }
    }

    pub(crate) fn ask(&mut self, of: AgentRef, to: VoterId, question: &Question) {
        let from = self.voter(of.machine);
        for machine in self.machines_of(to) {
            self.letter(of.machine, machine, Input::Asked(from, question.clone()));
        }
    }

    pub(crate) fn answer(&mut self, of: AgentRef, to: VoterId, answer: Answer) {
        let voter = self.voter(of.machine);
        match answer {
            Answer::Heard(session, seq) => self.fact(&Fact::Acknowledged { voter, session, seq }),
            Answer::Promised(session) => {
                self.fact(&Fact::Promised { voter, session });
                let label = self.label(of.machine);
                let now = self.now;
                let node = self.store.sessions().find(|it| it.session == session).map(|it| it.node.to_string());
                if self.trace.told()
                    && let Some(line) =
                        self.story.promised(&label, session, node.as_deref().unwrap_or("a node that has begun anew"))
                {
                    self.trace.story(now, &label, || line);
                }
            }
            Answer::Refused(_) | Answer::Would(..) => {}
        }
        for machine in self.machines_of(to) {
            self.letter(of.machine, machine, Input::Answered(voter, answer));
        }
    }

    fn letter(&mut self, from: usize, to: usize, input: Input) {
        if from == to {
            return self.later(0, What::Letter(to, Box::new(input)));
        }
        if !self.reaches(from, to) || self.rng.chance(self.net.lost) {
            return;
        }
        let extra = self.links.extra((from, to));
        if self.rng.chance(self.net.twice) {
            let took = self.net.call(&mut self.rng) + extra;
            self.later(took, What::Letter(to, Box::new(input.clone())));
        }
        let took = self.net.call(&mut self.rng) + extra;
        self.later(took, What::Letter(to, Box::new(input)));
    }

    pub(crate) fn letter_arrives(&mut self, to: usize, input: Input) {
        match self.machines[to].agent.as_ref().map(|agent| agent.life) {
            Some(life) => self.tell_now(AgentRef { machine: to, life }, input),
            // Nobody listens there.
            None => self.machines[to].unread.read(&input),
        }
    }

    /// The voter binds itself, and wants it on the disk.
    pub(crate) fn keep(&mut self, of: AgentRef, number: u64, promises: BTreeSet<SessionId>) {
        let voter = self.voter(of.machine);
        let machine = &mut self.machines[of.machine];
        let Some(agent) = machine.agent.as_mut() else { return };
        let fresh: Vec<_> = promises.difference(&agent.bound).copied().collect();
        agent.bound.clone_from(&promises);
        machine.keeping = Some((number, promises));
        let ttl = machine.clock.truly(machine.config.timing.ttl().as_nanos() as u64);
        for session in fresh {
            let lay = self.machines[of.machine].unread.since(session).map_or(0, |since| self.now - since);
            self.fact(&Fact::Binds { voter, session, lay, ttl });
        }
        let disk = &self.disks[self.machines[of.machine].disk];
        let took = self.rng.between(SYNC_MIN, SYNC_MAX) + disk.slow;
        self.later(took, What::Kept(of, number));
    }

    /// The disk has taken them, or has not: then either may be on it.
    pub(crate) fn kept(&mut self, of: AgentRef, number: u64) {
        let machine = &mut self.machines[of.machine];
        if !machine.lives(of.life) {
            return;
        }
        let Some((_, promises)) = machine.keeping.take_if(|(kept, _)| *kept == number) else { return };
        let disk = &mut self.disks[machine.disk];
        let fails = disk.fails > 0 && self.rng.chance(disk.fails);
        if !fails || self.rng.chance(500) {
            disk.promises = promises;
        }
        let result = if fails { Err(String::from("input/output error")) } else { Ok(()) };
        self.tell_now(of, Input::Kept(number, result));
    }

    /// The process ends while a write is under way: it is on the disk, or it is not.
    pub(crate) fn tear(&mut self, machine: usize) {
        self.machines[machine].unread.clear();
        if let Some((_, promises)) = self.machines[machine].keeping.take()
            && self.rng.chance(500)
        {
            self.disks[self.machines[machine].disk].promises = promises;
        }
    }
}
