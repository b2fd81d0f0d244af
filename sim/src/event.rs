//! What can happen in the world. Everything that happens to a machine waits while the machine is frozen.

use hotseat_core::{Epoch, Expect, GroupId, GuardCommand, Input, Key, Proof, Record, Role, Ticket};

use crate::fault::Fault;

/// One run of an agent on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentRef {
    /// The machine.
    pub machine: usize,
    /// The run.
    pub life: u32,
}

/// One guard of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardRef {
    /// The machine.
    pub machine: usize,
    /// Its place among the guards there.
    pub at: usize,
}

/// A write on its way to the store.
#[derive(Debug)]
pub struct Call {
    /// Who asked.
    pub from: AgentRef,
    /// For the answer.
    pub ticket: Ticket,
    /// Where.
    pub key: Key,
    /// Over what.
    pub expect: Expect,
    /// What.
    pub record: Record,
    /// How long the answer takes; `None`: it was given up already.
    pub answer: Option<u64>,
    /// When it counts as unanswered.
    pub gives_up: u64,
}

/// See the module.
#[derive(Debug)]
pub enum What {
    /// Something goes wrong, or an operator acts.
    Fault(Fault),
    /// An agent is told something.
    Tell(AgentRef, Box<Input>),
    /// An agent's timer.
    Wake(AgentRef),
    /// The guard that an agent asked for is up.
    GuardUp(AgentRef),
    /// An agent tells a service its role.
    Turn(AgentRef, GroupId, u64, Role),
    /// A service's answer to that.
    Turned(AgentRef, GroupId, u64, Role),
    /// A ready check that began then ends.
    CheckReady(AgentRef, GroupId, u64, u64),
    /// A health check ends.
    CheckHealth(AgentRef, GroupId, u64),
    /// What followed an epoch has gone, as that order of its agent said.
    Off(AgentRef, GroupId, Epoch, u32),
    /// A write reaches the store.
    Write(Box<Call>),
    /// A listing that began then comes back.
    List(AgentRef, u64),
    /// A command reaches a guard.
    Order(GuardRef, GuardCommand),
    /// A guard's deadline may have come.
    Alarm(GuardRef),
    /// A guard sees that its agent is dead.
    Orphaned(GuardRef),
    /// A service's main process ends by itself.
    Exits(GuardRef, GroupId, u64, &'static str),
    /// Nothing of a service's tree is alive any more.
    Dead(GuardRef, GroupId, u64),
    /// A guard's word reaches a machine.
    Word(usize, Proof),
    /// A guard looks whether everything is dead.
    Prove(GuardRef),
    /// What a node sent to a voter, or a voter to a node, reaches a machine's sockets.
    Letter(usize, Box<Input>),
    /// A machine's disk is done with the promises of that number.
    Kept(AgentRef, u64),
    /// A machine's copy of the log goes on to that instant.
    Grows(usize, u64),
    /// The log gets a leader, if anybody can be.
    Elect,
    /// An operator tries to change the voters.
    Operator,
}
