//! The world: machines, a store, the ways between, and time. One seed is one run.
//!
//! It carries out what the nodes decide, as a real agent would, and breaks things as planned. It tells
//! the invariants every fact, and stops at the first that does not hold. It never decides for a node.

mod agents;
mod council;
mod faulting;
mod guarding;
mod ordering;
mod services;
mod storage;
mod voting;

use hotseat_core::{GroupId, Mutant, Rules, VoterId};

use crate::disk::Disk;
use crate::event::{AgentRef, GuardRef, What};
use crate::fault::Fault;
use crate::invariants::{Broken, Fact, Invariants, Place};
use crate::links::Links;
use crate::log::Log;
use crate::machine::Machine;
use crate::net::Net;
use crate::queue::Queue;
use crate::rng::Rng;
use crate::store::Store;
use crate::story::Story;
use crate::trace::{Keep, Trace};

/// See the module.
#[derive(Debug)]
pub(crate) struct World {
    /// True time in nanoseconds.
    pub now: u64,
    pub(crate) rng: Rng,
    pub(crate) queue: Queue<What>,
    pub(crate) store: Store,
    pub(crate) machines: Vec<Machine>,
    pub(crate) disks: Vec<Disk>,
    pub(crate) net: Net,
    pub(crate) links: Links,
    /// Where voters keep the leases: the log they keep beside; `None` where the store is the quorum.
    pub(crate) log: Option<Log>,
    pub(crate) mutant: Option<Mutant>,
    pub(crate) outage: bool,
    /// An agent that is turned away at its start is started again after a while.
    pub(crate) supervised: bool,
    /// Acts of operators so far.
    pub(crate) acts: u64,
    /// What must hold.
    pub checks: Invariants,
    /// What is written down.
    pub trace: Trace,
    pub(crate) story: Story,
    broken: Option<Broken>,
}

impl World {
    /// Machines with no agents yet.
    #[must_use]
    pub(crate) fn new(seed: u64, mutant: Option<Mutant>, net: Net, machines: Vec<Machine>, keep: Keep) -> Self {
        let mut world = Self {
            now: 0,
            rng: Rng::new(seed ^ 0x5eed),
            queue: Queue::default(),
            store: Store::new(mutant == Some(Mutant::VersionReused)),
            disks: vec![Disk::new(VoterId(0)); machines.len()],
            machines,
            net,
            links: Links::default(),
            log: None,
            mutant,
            outage: false,
            supervised: false,
            acts: 0,
            checks: Invariants::default(),
            trace: Trace::new(keep),
            story: Story::default(),
            broken: None,
        };
        world.checks.terms(&world.machines);
        let rules = world.rules();
        for (at, machine) in world.machines.iter_mut().enumerate() {
            machine.config.rules = rules;
            machine.disk = machine.shares.unwrap_or(at);
        }
        world
    }

    /// All but the one that is left out.
    pub(crate) fn rules(&self) -> Rules {
        self.mutant.map_or_else(Rules::default, Rules::without)
    }

    /// Plans a fault.
    pub(crate) fn plan(&mut self, at: u64, fault: Fault) {
        self.queue.push(at, What::Fault(fault));
    }

    /// Runs until then.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub(crate) fn run(&mut self, until: u64) -> Result<(), Broken> {
        while let Some((at, what)) = self.queue.pop(until) {
            self.now = at;
            self.happen(what);
            if let Some(broken) = self.broken.take() {
                return Err(broken);
            }
        }
        self.now = until;
        Ok(())
    }

    /// Tells the invariants.
    pub(crate) fn fact(&mut self, fact: &Fact<'_>) {
        if self.broken.is_none() {
            self.broken = self.checks.see(self.now, fact).err();
        }
    }

    pub(crate) fn broke(&mut self, broken: Broken) {
        self.broken.get_or_insert(broken);
    }

    pub(crate) fn later(&mut self, delay: u64, what: What) {
        self.queue.push(self.now + delay, what);
    }

    pub(crate) fn label(&self, machine: usize) -> String {
        self.machines[machine].label()
    }

    pub(crate) fn acts(&mut self, guard: GuardRef, group: &GroupId, run: u64, acts: bool) {
        let place = Place { guard, run };
        let found = self.machines[guard.machine].guards[guard.at]
            .processes
            .iter()
            .find(|it| it.run == run && it.group == *group);
        let epoch = found.and_then(|process| process.acting);
        match (acts, epoch) {
            (true, Some(epoch)) => {
                let session = self.machines[guard.machine].guards[guard.at].session;
                self.fact(&Fact::Acts { group, place, epoch, session });
            }
            (true, None) => {}
            (false, _) => self.fact(&Fact::Ceases { group, place }),
        }
    }

    fn happen(&mut self, what: What) {
        let Some(what) = self.unless_waiting(what) else { return };
        match what {
            What::Fault(fault) => self.inflict(fault),
            What::Tell(agent, input) => self.step(agent, *input),
            What::Wake(agent) => self.wake(agent),
            What::GuardUp(agent) => self.guard_up(agent),
            What::Turn(agent, group, run, role) => self.turn(agent, group, run, role),
            What::Turned(agent, group, run, role) => self.turned(agent, group, run, role),
            What::CheckReady(agent, group, run, began) => self.check_ready(agent, group, run, began),
            What::CheckHealth(agent, group, run) => self.check_health(agent, group, run),
            What::Off(agent, group, epoch, order) => self.off(agent, group, epoch, order),
            What::Write(call) => self.write_arrives(*call),
            What::List(agent, began) => self.list(agent, began),
            What::Order(guard, command) => self.order(guard, command),
            What::Alarm(guard) => self.alarm(guard),
            What::Orphaned(guard) => self.end_guard(guard),
            What::Exits(guard, group, run, how) => self.exits(guard, &group, run, how),
            What::Dead(guard, group, run) => self.dead(guard, group, run),
            What::Word(machine, word) => self.word(machine, word),
            What::Prove(guard) => self.prove(guard),
            What::Letter(to, input) => self.letter_arrives(to, *input),
            What::Kept(agent, number) => self.kept(agent, number),
            What::Grows(machine, to) => self.copy_grows(machine, to),
            What::Elect => self.elect(),
            What::Operator => self.operate(),
        }
    }

    /// Puts aside what happens to somebody who stands still.
    fn unless_waiting(&mut self, what: What) -> Option<What> {
        let (machine, agent, guard) = target(&what);
        let Some(machine) = machine.map(|at| &mut self.machines[at]) else { return Some(what) };
        if machine.frozen.is_some() {
            machine.unread.note(self.now, &what);
            machine.waiting.push(what);
            return None;
        }
        if let (Some(of), Some(agent)) = (agent, machine.agent.as_mut())
            && agent.life == of.life
            && agent.paused
        {
            machine.unread.note(self.now, &what);
            agent.waiting.push(what);
            return None;
        }
        if let Some(guard) = guard.map(|of| &mut machine.guards[of.at])
            && guard.paused.is_some()
        {
            guard.waiting.push(what);
            return None;
        }
        Some(what)
    }
}

/// Whom it happens to: a machine, an agent on it, a guard on it.
fn target(what: &What) -> (Option<usize>, Option<AgentRef>, Option<GuardRef>) {
    match what {
        What::Fault(_) | What::Write(_) | What::List(..) | What::Elect | What::Operator => (None, None, None),
        What::Tell(of, _)
        | What::Wake(of)
        | What::GuardUp(of)
        | What::Turn(of, ..)
        | What::Turned(of, ..)
        | What::CheckReady(of, ..)
        | What::CheckHealth(of, ..)
        | What::Off(of, ..) => (Some(of.machine), Some(*of), None),
        // A keeper kills, and a service dies, whether the guard runs or not.
        What::Alarm(of) | What::Exits(of, ..) | What::Dead(of, ..) => (Some(of.machine), None, None),
        What::Order(of, _) | What::Orphaned(of) | What::Prove(of) => (Some(of.machine), None, Some(*of)),
        What::Word(machine, _) | What::Letter(machine, _) | What::Grows(machine, _) => (Some(*machine), None, None),
        // The disk goes on under a stopped process.
        What::Kept(of, _) => (Some(of.machine), None, None),
    }
}
