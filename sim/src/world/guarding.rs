//! Guards at work: deadlines, kills, proofs, words. Ideal, as `guard` says; services die at the deadline.

use hotseat_core::{GroupId, GuardCommand, GuardReport, Input, Mutant, Nonce, Proof, Secret, ServiceInput, SessionId};

use super::World;
use crate::clock::MS;
use crate::event::{AgentRef, GuardRef, What};
use crate::guard::Guard;
use crate::invariants::Fact;

/// When a guard sends its word, counted from the proof.
const REPEATS: [u64; 4] = [0, 5 * MS, 20 * MS, 150 * MS];
/// On its way a word may take up to this.
const WORD_MAX: u64 = 2 * MS;

impl World {
    pub(crate) fn guard(&mut self, of: GuardRef) -> &mut Guard {
        &mut self.machines[of.machine].guards[of.at]
    }

    pub(crate) fn guard_up(&mut self, of: AgentRef) {
        if !self.machines[of.machine].lives(of.life) {
            return;
        }
        let session = Nonce(self.rng.wide());
        let mut secret = [0; 32];
        for part in secret.chunks_exact_mut(8) {
            part.copy_from_slice(&self.rng.bits().to_le_bytes());
        }
        let guard = Guard::new(of, session, Secret(secret));
        let proof = guard.secret.hash();
        let machine = &mut self.machines[of.machine];
        machine.guards.push(guard);
        let at = machine.guards.len() - 1;
        if let Some(agent) = machine.agent.as_mut() {
            agent.guard = Some(at);
        }
        let report = GuardReport::Ready { proof, session, contained: "cgroup".into() };
        self.tell_now(of, Input::Guard(report));
    }

    /// What the guard says to its agent; it waits with a stopped guard.
    pub(crate) fn report(&mut self, of: GuardRef, input: Input) {
        let ipc = self.net.ipc;
        let guard = self.guard(of);
        if guard.lost {
            return;
        }
        let what = What::Tell(guard.agent, Box::new(input));
        if guard.paused.is_some() {
            guard.waiting.push(what);
        } else {
            self.later(ipc, what);
        }
    }

    pub(crate) fn report_service(&mut self, of: GuardRef, group: &GroupId, run: u64, input: ServiceInput) {
        self.report(of, Input::Service(group.clone(), run, input));
    }

    pub(crate) fn order(&mut self, of: GuardRef, command: GuardCommand) {
        let local = self.machines[of.machine].clock.local(self.now);
        let guard = self.guard(of);
        if guard.lost || guard.ending {
            return;
        }
        match command {
            // Heard too late, as after a pause: what was ordered before it counts no more.
            GuardCommand::Deadline(at) if local >= at => self.end_guard(of),
            GuardCommand::Deadline(at) => {
                guard.deadline = Some(at);
                guard.alarm = Some(at);
                self.arm(of);
            }
            GuardCommand::Start { group, run, role } => self.start_service(of, group, run, role),
            GuardCommand::Signal(group, run) => self.signal(of, group, run),
            GuardCommand::Kill(group, run) => self.kill(of, &group, run),
            GuardCommand::End => self.end_guard(of),
        }
    }

    /// One alarm is planned at a time; when it comes, it looks at the newest deadline.
    fn arm(&mut self, of: GuardRef) {
        let clock = self.machines[of.machine].clock;
        let now = self.now;
        let guard = self.guard(of);
        if let (Some(alarm), false) = (guard.alarm, guard.armed) {
            guard.armed = true;
            self.queue.push(clock.when(alarm).max(now), What::Alarm(of));
        }
    }

    pub(crate) fn alarm(&mut self, of: GuardRef) {
        let local = self.machines[of.machine].clock.local(self.now);
        let guard = self.guard(of);
        guard.armed = false;
        if guard.lost || guard.ending {
            return;
        }
        match guard.alarm {
            Some(at) if local >= at => self.end_guard(of),
            Some(_) => self.arm(of),
            None => {}
        }
    }

    fn kill_takes(&mut self, machine: usize) -> u64 {
        let budget = self.machines[machine].config.timing.stop_budget().as_nanos() as u64;
        let own = self.net.kill(&mut self.rng, budget);
        self.machines[machine].clock.truly(own)
    }

    /// Everything of one group's run dies within the stop budget.
    pub(crate) fn kill(&mut self, of: GuardRef, group: &GroupId, run: u64) {
        let takes = self.kill_takes(of.machine);
        let found = self.guard(of).processes.iter_mut().find(|it| it.group == *group && it.run == run);
        if let Some(process) = found
            && !process.dying
        {
            process.dying = true;
            self.later(takes, What::Dead(of, group.clone(), run));
        }
    }

    fn kill_all(&mut self, of: GuardRef) {
        let all: Vec<_> = self.guard(of).processes.iter().map(|it| (it.group.clone(), it.run)).collect();
        for (group, run) in all {
            self.kill(of, &group, run);
        }
    }

    /// Kills everything, and proves it when it is true.
    pub(crate) fn end_guard(&mut self, of: GuardRef) {
        let guard = self.guard(of);
        if guard.lost || guard.ending {
            return;
        }
        guard.ending = true;
        self.kill_all(of);
        self.later(self.net.ipc, What::Prove(of));
    }

    pub(crate) fn prove(&mut self, of: GuardRef) {
        let guard = self.guard(of);
        if guard.lost || guard.proven {
            return;
        }
        let premature = self.mutant == Some(Mutant::PrematureProof);
        let guard = self.guard(of);
        if !guard.processes.is_empty() && !premature {
            return self.later(MS, What::Prove(of));
        }
        guard.proven = true;
        let word = guard.word();
        let asked = std::mem::take(&mut guard.asked);
        self.report(of, Input::Guard(GuardReport::Proven(word)));
        for agent in asked {
            self.tell(self.net.ipc, agent, Input::Proof(word));
        }
        self.spread(of.machine, word);
    }

    fn spread(&mut self, from: usize, word: Proof) {
        let label = self.label(from);
        self.trace.story(self.now, &label, || "guard: everything of this session is dead; here is the proof".into());
        for machine in (0..self.machines.len()).filter(|at| *at != from) {
            let way = self.log.is_none() || self.reaches(from, machine);
            for repeat in REPEATS {
                let took = self.rng.between(MS / 10, WORD_MAX);
                if !self.rng.chance(self.net.words_lost) && way {
                    self.later(repeat + took, What::Word(machine, word));
                }
            }
        }
    }

    pub(crate) fn word(&mut self, machine: usize, word: Proof) {
        if let Some(life) = self.machines[machine].agent.as_ref().map(|agent| agent.life) {
            self.tell_now(AgentRef { machine, life }, Input::Proof(word));
        }
    }

    pub(crate) fn ask_guard(&mut self, of: AgentRef, session: SessionId) {
        let guards = &mut self.machines[of.machine].guards;
        let Some(guard) = guards.iter_mut().rev().find(|guard| guard.session == session.id && !guard.lost) else {
            return;
        };
        if guard.proven {
            let word = guard.word();
            self.tell(self.net.ipc, of, Input::Proof(word));
        } else {
            guard.asked.push(of);
        }
    }

    /// The guard is killed: its keepers see that and kill; nobody proves anything.
    pub(crate) fn lose_guard(&mut self, of: GuardRef) {
        if self.guard(of).lost || self.guard(of).proven {
            return;
        }
        self.kill_all(of);
        let guard = self.guard(of);
        guard.lost = true;
        guard.ending = true;
        let agent = guard.agent;
        self.tell(self.net.ipc, agent, Input::Guard(GuardReport::Lost));
    }

    /// The machine runs again after a freeze. What should be dead dies before anything else happens.
    pub(crate) fn guards_thaw(&mut self, machine: usize, frozen_for: u64) {
        let relative = self.mutant == Some(Mutant::GuardDeadlineRelative);
        let clock = self.machines[machine].clock;
        let local = clock.local(self.now);
        for at in 0..self.machines[machine].guards.len() {
            let of = GuardRef { machine, at };
            let guard = self.guard(of);
            if relative {
                let left_over = std::time::Duration::from_nanos(frozen_for * clock.per_mille / 1000);
                guard.alarm = guard.alarm.map(|alarm| alarm + left_over);
            }
            let due = guard.alarm.is_some_and(|alarm| local >= alarm);
            if due && !guard.ending {
                self.end_guard(of);
            }
            if self.guard(of).ending {
                self.everything_dies(of);
            }
        }
    }

    fn everything_dies(&mut self, of: GuardRef) {
        let all: Vec<_> = self.guard(of).processes.iter().map(|it| (it.group.clone(), it.run)).collect();
        for (group, run) in all {
            self.dead(of, group, run);
        }
    }

    /// Tells `contained` when something outlived its deadline.
    pub(crate) fn check_contained(&mut self, of: GuardRef) {
        let machine = &self.machines[of.machine];
        let guard = &machine.guards[of.at];
        let budget = machine.config.timing.stop_budget();
        let Some(deadline) = guard.deadline else { return };
        let dead_by = deadline + budget;
        let local = machine.clock.local(self.now);
        if !guard.processes.is_empty() && local > dead_by {
            self.fact(&Fact::Outlived { machine: of.machine, deadline, local });
        }
    }
}
