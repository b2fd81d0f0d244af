//! Services coming up, turning, failing and dying, as their temper is.

use hotseat_core::{Epoch, GroupId, Input, Role, ServiceInput};

use super::World;
use crate::event::{AgentRef, GuardRef, What};
use crate::invariants::Fact;
use crate::service::{Drains, Process, Stops, Temper, Yields};

impl World {
    fn temper(&self, machine: usize, group: &GroupId) -> Temper {
        self.machines[machine].tempers.get(group).copied().unwrap_or_default()
    }

    pub(crate) fn start_service(&mut self, of: GuardRef, group: GroupId, run: u64, role: Role) {
        let temper = self.temper(of.machine, &group);
        if temper.broken {
            let why = ServiceInput::StartFailed("no such program".into());
            return self.report_service(of, &group, run, why);
        }
        let process = Process::new(group.clone(), run, role, self.now, &temper);
        self.guard(of).processes.push(process);
        self.report_service(of, &group, run, ServiceInput::Started);
        self.acts(of, &group, run, true);
        if let Some(after) = temper.dies_after {
            self.later(after, What::Exits(of, group, run, "exit status 1"));
        }
    }

    pub(crate) fn signal(&mut self, of: GuardRef, group: GroupId, run: u64) {
        match self.temper(of.machine, &group).stops {
            Stops::After(takes) => self.later(takes, What::Exits(of, group, run, "signal TERM")),
            Stops::Never => {}
        }
    }

    /// Requests are under way to a service whose end is announced.
    pub(crate) fn drain(&mut self, of: AgentRef, group: GroupId, epoch: Epoch) {
        let config = self.machines[of.machine].config.groups.iter().find(|config| config.id == group);
        let limit = config.map_or(0, |config| config.service.drain.as_nanos() as u64);
        let took = match self.temper(of.machine, &group).drains {
            Drains::After(took) => Some(took),
            Drains::Never => None,
        };
        // Its clock may be fast: half of the limit is in any case still to be waited for.
        let busy_until = self.now + took.unwrap_or(limit).min(limit) / 2;
        self.fact(&Fact::Drains { of, group: &group, epoch, busy_until });
        if let Some(took) = took {
            self.tell(took, of, Input::Drained(group, epoch));
        }
    }

    fn process(&mut self, of: GuardRef, group: &GroupId, run: u64) -> Option<&mut Process> {
        self.guard(of).processes.iter_mut().find(|it| it.group == *group && it.run == run)
    }

    /// The main process is gone; the rest of its tree, which may still act, is killed.
    pub(crate) fn exits(&mut self, of: GuardRef, group: &GroupId, run: u64, how: &'static str) {
        if self.process(of, group, run).is_some_and(|process| !process.dying) {
            self.report_service(of, group, run, ServiceInput::Exited(how.into()));
            self.kill(of, group, run);
        }
    }

    pub(crate) fn dead(&mut self, of: GuardRef, group: GroupId, run: u64) {
        if self.process(of, &group, run).is_none() {
            return;
        }
        if self.machines[of.machine].thawed != Some(self.now) {
            self.check_contained(of);
        }
        self.acts(of, &group, run, false);
        self.guard(of).processes.retain(|it| it.group != group || it.run != run);
        self.report_service(of, &group, run, ServiceInput::Exited("signal KILL".into()));
        self.report_service(of, &group, run, ServiceInput::Gone);
    }

    /// Where this agent's service of the group runs.
    fn running(&mut self, of: AgentRef, group: &GroupId, run: u64) -> Option<GuardRef> {
        let agent = self.machines[of.machine].agent.as_ref().filter(|agent| agent.life == of.life)?;
        let guard = GuardRef { machine: of.machine, at: agent.guard? };
        self.process(guard, group, run)?;
        Some(guard)
    }

    pub(crate) fn turn(&mut self, of: AgentRef, group: GroupId, run: u64, role: Role) {
        let Some(guard) = self.running(of, &group, run) else { return };
        let (now, temper) = (self.now, self.temper(of.machine, &group));
        if let (Role::Leader(_), Some(process)) = (role, self.process(guard, &group, run)) {
            process.tell(role, now);
            process.ready_at = process.ready_at.max(now + temper.starts / 8);
            self.acts(guard, &group, run, true);
        }
        self.later(temper.starts / 8, What::Turned(of, group, run, role));
    }

    pub(crate) fn turned(&mut self, of: AgentRef, group: GroupId, run: u64, role: Role) {
        let Some(guard) = self.running(of, &group, run) else { return };
        let (now, yields) = (self.now, self.temper(of.machine, &group).yields);
        let answer = match (role, yields) {
            (Role::Leader(_), _) => Some(Ok(true)),
            (Role::Standby, Yields::Yes) => {
                self.acts(guard, &group, run, false);
                if let Some(process) = self.process(guard, &group, run) {
                    process.tell(role, now);
                }
                Some(Ok(true))
            }
            (Role::Standby, Yields::Unsaid) => Some(Ok(false)),
            (Role::Standby, Yields::Silent) => None,
        };
        if let Some(answer) = answer {
            self.tell_now(of, Input::Service(group, run, ServiceInput::Turned(answer)));
        }
    }

    pub(crate) fn check_ready(&mut self, of: AgentRef, group: GroupId, run: u64, began: u64) {
        let unready = self.temper(of.machine, &group).unready;
        // What a check saw counts for a role that the service was told before: on its way when it began.
        let (now, ipc) = (self.now, self.net.ipc);
        let guard = self.running(of, &group, run);
        let ready = match guard.and_then(|guard| self.process(guard, &group, run)) {
            Some(process) if !unready && now >= process.ready_at => {
                process.checked |= began + ipc >= process.told_at;
                Ok(())
            }
            Some(_) => Err("not ready yet".into()),
            None => Err("not running".into()),
        };
        self.tell_now(of, Input::Service(group, run, ServiceInput::Ready(ready)));
    }

    pub(crate) fn check_health(&mut self, of: AgentRef, group: GroupId, run: u64) {
        let ill = self.temper(of.machine, &group).ill;
        let alive = self.running(of, &group, run).is_some();
        let well = alive && !(ill > 0 && self.rng.chance(ill));
        let health = if well { Ok(()) } else { Err("does not answer".into()) };
        self.tell_now(of, Input::Service(group, run, ServiceInput::Health(health)));
    }

    pub(crate) fn announce(&mut self, of: AgentRef, group: &GroupId, epoch: Epoch) {
        let lapsed = self.lapsed(of);
        let machine = &self.machines[of.machine];
        let agent = machine.agent.as_ref();
        let session = agent.and_then(|agent| agent.session);
        let guard = agent.and_then(|agent| agent.guard).map(|at| &machine.guards[at]);
        let mut processes = guard.into_iter().flat_map(|guard| guard.processes.iter());
        // One that died a moment ago, unknown to the agent, was still rightly announced.
        let checked =
            processes.find(|it| it.group == *group).is_none_or(|it| it.checked && it.role == Role::Leader(epoch));
        self.fact(&Fact::Announced { of, lapsed, session, group, epoch, checked });
    }
}
