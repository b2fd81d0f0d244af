//! Driving an agent's mind: inputs in, actions carried out, the timer kept. It adds no decision.

use hotseat_core::{
    Action, Answer, Epoch, Event, Exit, GroupId, GroupView, GuardCommand, Input, Mutant, Node, NodeConfig, Role,
    SessionId,
};

use super::World;
use crate::clock::{MS, SECOND};
use crate::event::{AgentRef, GuardRef, What};
use crate::fault::Fault;
use crate::invariants::{Broken, Fact};
use crate::machine::Agent;
use crate::story::Story;
use crate::trace;

/// More wakes than this in one simulated millisecond is a busy loop.
const WAKES_MAX: u32 = 40;
/// What follows a leadership is off so long after it was withdrawn: an address in less, a hook in more.
const FOLLOWERS_TAKE: u64 = 3 * MS;

/// What was turned away at its start is tried again so much later.
const SUPERVISOR_WAITS: u64 = SECOND / 2;

impl World {
    pub(crate) fn start_agent(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        if machine.agent.is_some() || machine.off || machine.frozen.is_some() {
            return;
        }
        if self.locked(at) {
            return;
        }
        let voter = self.remembers(at);
        let machine = &mut self.machines[at];
        machine.lives += 1;
        let life = machine.lives;
        let bound = voter.as_ref().map(|voter| voter.promises.clone()).unwrap_or_default();
        machine.agent = Some(Agent {
            life,
            node: Node::new(NodeConfig { voter, ..machine.config.clone() }),
            paused: false,
            waiting: Vec::new(),
            wake: None,
            guard: None,
            session: None,
            deadline: None,
            window: 0,
            wakes: 0,
            refused: false,
            followers: Default::default(),
            informed: false,
            bound,
        });
        self.step(AgentRef { machine: at, life }, Input::Tick);
        self.council_changes();
    }

    /// Whether another process holds the lock of this machine's disk (B3).
    fn locked(&self, at: usize) -> bool {
        let disk = self.machines[at].disk;
        let held = self.machines.iter().any(|machine| machine.disk == disk && machine.agent.is_some());
        held && self.log.is_some() && self.mutant != Some(Mutant::TwoProcesses)
    }

    /// The agent's process is gone, however that came.
    pub(crate) fn agent_gone(&mut self, at: usize) {
        let Some(agent) = self.machines[at].agent.take() else { return };
        if let Some(guard) = agent.guard {
            self.later(self.net.ipc, What::Orphaned(GuardRef { machine: at, at: guard }));
        }
        self.tear(at);
        self.council_changes();
    }

    pub(crate) fn tell(&mut self, delay: u64, agent: AgentRef, input: Input) {
        self.later(delay, What::Tell(agent, Box::new(input)));
    }

    /// Hands an input over now, unless the agent stands still.
    pub(crate) fn tell_now(&mut self, agent: AgentRef, input: Input) {
        self.happen(What::Tell(agent, Box::new(input)));
    }

    pub(crate) fn step(&mut self, of: AgentRef, input: Input) {
        let now = self.now;
        let machine = &mut self.machines[of.machine];
        if !machine.lives(of.life) {
            return;
        }
        let local = machine.clock.local(now);
        let Some(agent) = machine.agent.as_mut() else { return };
        machine.unread.read(&input);
        agent.refused |= refuses(&input, agent.session);
        let name = &machine.config.name;
        self.trace.line(now, || name.to_string(), || trace::input(&input));
        for action in agent.node.step(local, input) {
            self.trace.line(now, || self.machines[of.machine].label(), || trace::action(&action));
            self.carry_out(of, action);
        }
        self.set_timer(of);
    }

    fn set_timer(&mut self, of: AgentRef) {
        let jitter = self.rng.below(self.net.jitter + 1);
        let now = self.now;
        let machine = &mut self.machines[of.machine];
        let clock = machine.clock;
        let Some(agent) = machine.agent.as_mut().filter(|agent| agent.life == of.life) else { return };
        let Some(local) = agent.node.wake_at(clock.local(now)) else {
            agent.wake = None;
            return;
        };
        let due = clock.when(local);
        let at = if due <= now { now + 1000 } else { due + jitter };
        // A timer that is set already and not later is good enough: it is only early.
        if agent.wake.is_some_and(|set| set >= due && set <= at) {
            return;
        }
        agent.wake = Some(at);
        self.queue.push(at, What::Wake(of));
    }

    pub(crate) fn wake(&mut self, of: AgentRef) {
        let now = self.now;
        let machine = &mut self.machines[of.machine];
        let Some(agent) = machine.agent.as_mut().filter(|agent| agent.life == of.life) else { return };
        if agent.wake.is_none_or(|at| at > now) {
            return;
        }
        agent.wake = None;
        if agent.window != now / MS {
            (agent.window, agent.wakes) = (now / MS, 0);
        }
        agent.wakes += 1;
        if agent.wakes > WAKES_MAX {
            let what = format!("{} woke {} times in one millisecond", self.label(of.machine), WAKES_MAX);
            return self.broke(Broken { invariant: "recovers", what });
        }
        self.step(of, Input::Tick);
    }

    /// Whether this agent may act: in a session whose deadline has not passed.
    pub(crate) fn lapsed(&self, of: AgentRef) -> bool {
        let machine = &self.machines[of.machine];
        let Some(agent) = &machine.agent else { return true };
        agent.session.is_none() || agent.refused || agent.deadline.is_none_or(|at| machine.clock.local(self.now) >= at)
    }

    fn carry_out(&mut self, of: AgentRef, action: Action) {
        match action {
            Action::Look => self.look(of),
            Action::Write { ticket, key, expect, record } => {
                let lapsed = self.lapsed(of);
                let session = self.machines[of.machine].agent.as_ref().and_then(|agent| agent.session);
                self.fact(&Fact::Wrote { of, lapsed, session, key: &key, record: &record });
                self.write(of, ticket, key, expect, record);
            }
            Action::Renew(renewal) => self.renew(of, renewal),
            Action::Ask(voter, question) => self.ask(of, voter, &question),
            Action::Answer(voter, answer) => self.answer(of, voter, answer),
            Action::Keep(number, promises) => self.keep(of, number, promises),
            Action::SpawnGuard => {
                let took = self.rng.between(MS, 5 * MS);
                self.later(took, What::GuardUp(of));
            }
            Action::AskGuard(session) => self.ask_guard(of, session),
            Action::Guard(command) => self.command(of, command),
            Action::CheckReady(group, run) => {
                let took = self.rng.between(MS / 5, 2 * MS);
                self.later(took, What::CheckReady(of, group, run, self.now));
            }
            Action::CheckHealth(group, run) => {
                let took = self.rng.between(MS / 5, 2 * MS);
                self.later(took, What::CheckHealth(of, group, run));
            }
            Action::Turn(group, run, role) => {
                self.ordered(of, &group, role);
                if role == Role::Standby {
                    self.fact(&Fact::StepsDown { of, group: &group });
                }
                self.later(self.net.ipc, What::Turn(of, group, run, role));
            }
            Action::Announce(group, epoch) => {
                self.announce(of, &group, epoch);
                if self.order_followers(of, &group).is_some() {
                    self.fact(&Fact::Followed { of, group: &group, epoch: Some(epoch) });
                }
            }
            Action::Withdraw(group, epoch) => {
                if let Some(order) = self.order_followers(of, &group) {
                    self.later(FOLLOWERS_TAKE, What::Off(of, group, epoch, order));
                }
            }
            Action::Drain(group, epoch) => self.drain(of, group, epoch),
            Action::Tell(event) => self.told(of, event),
            Action::Exit(exit) => {
                let label = self.label(of.machine);
                self.trace.story(self.now, &label, || Story::exit(&exit));
                self.agent_gone(of.machine);
                let turned_away = matches!(exit, Exit::LeaderThere(..) | Exit::NoLeader(_) | Exit::Unlike { .. });
                if turned_away && self.supervised {
                    self.later(SUPERVISOR_WAITS, What::Fault(Fault::Start(of.machine)));
                }
            }
        }
    }

    /// The number of this order, if anything follows the group here.
    fn order_followers(&mut self, of: AgentRef, group: &GroupId) -> Option<u32> {
        let machine = &mut self.machines[of.machine];
        machine.config.groups.iter().find(|it| it.id == *group && it.followers)?;
        let order = machine.agent.as_mut()?.followers.entry(group.clone()).or_default();
        *order += 1;
        Some(*order)
    }

    /// The followers have gone, unless there was a newer order since.
    pub(crate) fn off(&mut self, of: AgentRef, group: GroupId, epoch: Epoch, order: u32) {
        let agent = self.machines[of.machine].agent.as_ref().filter(|agent| agent.life == of.life);
        if agent.and_then(|agent| agent.followers.get(&group)) == Some(&order) {
            self.fact(&Fact::Followed { of, group: &group, epoch: None });
            self.tell_now(of, Input::Withdrawn(group, epoch));
        }
    }

    /// What an agent knows of a group.
    fn viewed(&self, of: AgentRef, group: &GroupId) -> Option<GroupView> {
        let machine = &self.machines[of.machine];
        let view = machine.agent.as_ref()?.node.view(machine.clock.local(self.now));
        view.groups.into_iter().find(|view| view.id == *group)
    }

    /// Somebody takes, or gives up, a leadership.
    fn turns(&mut self, of: AgentRef, event: &Event) {
        match event {
            Event::Claiming(group, epoch) => {
                let node = self.machines[of.machine].config.name.clone();
                if let Some(view) = self.viewed(of, group) {
                    self.fact(&Fact::Claims { view: &view, node: &node, epoch: *epoch });
                }
            }
            Event::Demoting(group, _, reason) => {
                if let Some(view) = self.viewed(of, group) {
                    self.fact(&Fact::Parts { view: &view, reason });
                }
            }
            Event::Obeyed(group, epoch, act) => self.fact(&Fact::Obeys { group, epoch: *epoch, act: *act }),
            _ => {}
        }
    }

    fn told(&mut self, of: AgentRef, event: Event) {
        self.turns(of, &event);
        if let Some(agent) = self.machines[of.machine].agent.as_mut() {
            match &event {
                Event::SessionBegan(session) => {
                    (agent.session, agent.deadline, agent.refused) = (Some(*session), None, false);
                }
                Event::SessionOver(..) => agent.session = None,
                _ => {}
            }
        }
        if self.trace.told() {
            let label = self.label(of.machine);
            if let Some(line) = self.story.event(&event) {
                self.trace.story(self.now, &label, || line);
            }
        }
    }

    /// A command leaves for the guard. Its way takes always the same time, so that order is kept.
    fn command(&mut self, of: AgentRef, command: GuardCommand) {
        match &command {
            GuardCommand::Deadline(at) => {
                let machine = &mut self.machines[of.machine];
                let clock = machine.clock;
                let budget = machine.config.timing.stop_budget();
                if let Some(agent) = machine.agent.as_mut() {
                    agent.deadline = Some(*at);
                    if let Some(session) = agent.session {
                        let dead_by = clock.when(*at + budget);
                        let from = *at - machine.config.timing.lease();
                        self.fact(&Fact::Leased { session, from, dead_by });
                    }
                }
            }
            GuardCommand::Start { group, role, .. } => self.ordered(of, group, *role),
            GuardCommand::End => {
                if let Some(agent) = self.machines[of.machine].agent.as_mut() {
                    agent.session = None;
                }
            }
            GuardCommand::Signal(..) | GuardCommand::Kill(..) => {}
        }
        let guard = self.machines[of.machine].agent.as_ref().and_then(|agent| agent.guard);
        if let Some(at) = guard {
            self.later(self.net.ipc, What::Order(GuardRef { machine: of.machine, at }, command));
        }
    }

    fn ordered(&mut self, of: AgentRef, group: &GroupId, role: Role) {
        let lapsed = self.lapsed(of);
        let session = self.machines[of.machine].agent.as_ref().and_then(|agent| agent.session);
        self.fact(&Fact::Ordered { of, lapsed, session, group, role });
    }
}

/// Whether a voter says that this session is over (B5).
fn refuses(input: &Input, session: Option<SessionId>) -> bool {
    matches!(input, Input::Answered(_, Answer::Refused(it)) if Some(*it) == session)
}
