//! Faults as they strike, and how each is mended. What does not apply at the moment does nothing.

use hotseat_core::{GroupId, Input, Mutant, VoterId};

use super::World;
use crate::disk::Disk;
use crate::event::{AgentRef, GuardRef, What};
use crate::fault::Fault;
use crate::log::Change;
use crate::service::Temper;

impl World {
    pub(crate) fn inflict(&mut self, fault: Fault) {
        self.trace.line(self.now, || "!!".into(), || format!("{fault:?}"));
        match fault {
            Fault::Start(at) => self.start_agent(at),
            Fault::Stop(at) => self.tell_agent(at, Input::Stop),
            Fault::KillAgent(at) => self.agent_gone(at),
            Fault::KillGuard(at) => self.each_guard(at, Self::lose_guard),
            Fault::KillBoth(at) => {
                self.each_guard(at, Self::lose_guard);
                self.agent_gone(at);
            }
            Fault::KillService(at, group) => self.kill_service(at, &group),
            Fault::PauseAgent(at) => {
                if let Some(agent) = self.machines[at].agent.as_mut() {
                    agent.paused = true;
                }
            }
            Fault::ResumeAgent(at) => self.resume_agent(at),
            Fault::PauseGuard(at) => {
                let now = self.now;
                self.each_guard(at, |world, of| {
                    world.guard(of).paused.get_or_insert(now);
                });
            }
            Fault::ResumeGuard(at) => self.each_guard(at, Self::resume_guard),
            Fault::Freeze(at) => self.freeze(at),
            Fault::Thaw(at) => self.thaw(at),
            Fault::PowerOff(at) => self.power_off(at),
            Fault::PowerOn(at) => self.power_on(at),
            Fault::Cut(at, cut) => self.machines[at].cut = Some(cut),
            Fault::Mend(at) => self.machines[at].cut = None,
            Fault::Outage => self.outage = true,
            Fault::OutageEnds => self.outage = false,
            Fault::Stale(at) => self.machines[at].stale = Some(self.now),
            Fault::Fresh(at) => self.machines[at].stale = None,
            Fault::Late(at, share) => self.machines[at].late = share,
            Fault::Temper(at, group, temper) => {
                self.machines[at].tempers.insert(group, temper);
            }
            Fault::Order(group, order) => self.ask_for(&group, &order),
            Fault::Sever(way) => self.links.cut(way),
            Fault::Join(way) => self.links.join(way),
            Fault::Drag(way, extra) => self.links.slow(way, extra),
            Fault::Depose => self.depose(),
            Fault::Wipe(at) => self.wipe(at),
            Fault::Disk(at, slow, fails) => {
                let disk = &mut self.disks[self.machines[at].disk];
                (disk.slow, disk.fails) = (slow, fails);
            }
            Fault::Voters(change) => self.wish(change),
            Fault::HealAll => self.heal_all(),
        }
        self.council_changes();
    }

    fn tell_agent(&mut self, at: usize, input: Input) {
        if let Some(life) = self.machines[at].agent.as_ref().map(|agent| agent.life) {
            self.tell_now(AgentRef { machine: at, life }, input);
        }
    }

    fn each_guard(&mut self, machine: usize, mut what: impl FnMut(&mut Self, GuardRef)) {
        for at in 0..self.machines[machine].guards.len() {
            what(self, GuardRef { machine, at });
        }
    }

    fn kill_service(&mut self, machine: usize, group: &GroupId) {
        self.each_guard(machine, |world, of| {
            let runs: Vec<_> =
                world.guard(of).processes.iter().filter(|it| it.group == *group).map(|it| it.run).collect();
            for run in runs {
                world.happen(What::Exits(of, group.clone(), run, "signal KILL"));
            }
        });
    }

    fn resume_agent(&mut self, at: usize) {
        let Some(agent) = self.machines[at].agent.as_mut() else { return };
        agent.paused = false;
        let waiting = std::mem::take(&mut agent.waiting);
        self.go_on(at, waiting);
    }

    /// What waited happens now. Timers and sockets are read in any order, the sockets by and by (B8).
    fn go_on(&mut self, at: usize, waiting: Vec<What>) {
        let machine = &self.machines[at];
        let drained = machine.clock.truly(machine.config.timing.renewal().as_nanos() as u64) / 2;
        let at_once = self.log.is_none() || self.rng.chance(500);
        for what in waiting {
            let delay = if at_once || !is_letter(&what) { 0 } else { self.rng.below(drained) };
            self.later(delay, what);
        }
    }

    fn resume_guard(&mut self, of: GuardRef) {
        let guard = self.guard(of);
        guard.paused = None;
        for what in std::mem::take(&mut guard.waiting) {
            self.later(0, what);
        }
    }

    fn each_process(&mut self, at: usize, acts: bool) {
        self.each_guard(at, |world, of| {
            let runs: Vec<_> = world.guard(of).processes.iter().map(|it| (it.group.clone(), it.run)).collect();
            for (group, run) in runs {
                world.acts(of, &group, run, acts);
            }
        });
    }

    /// Nothing there acts any more, and nothing there dies.
    fn freeze(&mut self, at: usize) {
        if self.machines[at].frozen.is_none() && !self.machines[at].off {
            self.machines[at].frozen = Some(self.now);
            self.each_process(at, false);
        }
    }

    fn thaw(&mut self, at: usize) {
        let Some(since) = self.machines[at].frozen.take() else { return };
        self.machines[at].thawed = Some(self.now);
        self.guards_thaw(at, self.now - since);
        self.each_guard(at, Self::check_contained);
        self.each_process(at, true);
        let waiting = std::mem::take(&mut self.machines[at].waiting);
        self.go_on(at, waiting);
    }

    fn power_off(&mut self, at: usize) {
        self.thaw_dead(at);
        self.machines[at].off = true;
    }

    /// A new disk is a new voter. Not more of them than the log survives.
    fn wipe(&mut self, at: usize) {
        let on = self.machines[at].disk;
        let id = self.disks[on].id;
        let lost = self.lost_voters();
        let survives = self.voters().is_some_and(|record| {
            let more = record.voters.contains(&id);
            (record.voters.len() - lost.len() - usize::from(more)) * 2 > record.voters.len()
        });
        if !survives {
            return;
        }
        self.power_off(at);
        let remembered = self.mutant == Some(Mutant::WipedDisk);
        let id = if remembered { id } else { VoterId(self.rng.bits()) };
        self.disks[on] = Disk::new(id);
    }

    /// Whatever was there is no more, at once.
    fn thaw_dead(&mut self, at: usize) {
        self.each_process(at, false);
        let machine = &mut self.machines[at];
        machine.frozen = None;
        machine.waiting.clear();
        machine.agent = None;
        self.tear(at);
        let machine = &mut self.machines[at];
        for guard in &mut machine.guards {
            guard.lost = true;
            guard.ending = true;
            guard.paused = None;
            guard.processes.clear();
        }
    }

    fn power_on(&mut self, at: usize) {
        let now = self.now;
        let machine = &mut self.machines[at];
        if machine.off {
            machine.off = false;
            machine.clock.booted = now;
            machine.clock.offset = 0;
            self.start_agent(at);
        }
    }

    fn heal_all(&mut self) {
        self.outage = false;
        self.net.lost = 0;
        self.links.mend();
        for disk in &mut self.disks {
            (disk.slow, disk.fails) = (0, 0);
        }
        self.wish(Change::Tidy);
        for at in 0..self.machines.len() {
            let machine = &mut self.machines[at];
            machine.cut = None;
            machine.stale = None;
            machine.late = 0;
            for temper in machine.tempers.values_mut() {
                *temper = Temper::default();
            }
            self.thaw(at);
            self.each_guard(at, Self::resume_guard);
            self.resume_agent(at);
            self.power_on(at);
            if self.machines[at].twin {
                self.agent_gone(at);
            } else {
                self.start_agent(at);
            }
        }
    }
}

fn is_letter(what: &What) -> bool {
    match what {
        What::Letter(..) => true,
        What::Tell(_, input) => matches!(**input, Input::Asked(..) | Input::Answered(..)),
        _ => false,
    }
}
