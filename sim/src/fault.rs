//! What goes wrong, and what operators do. Each names its machine; what lasts says how long.

use hotseat_core::GroupId;

use crate::links::Way;
use crate::log::Change;
use crate::order::Order;
use crate::service::Temper;

/// Which way to the store is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing gets there.
    Requests,
    /// What gets there is done, but no answer comes back.
    Answers,
    /// The node's own part of the log is dead, as with a full disk: it reads and writes nothing, and hears the others.
    Log,
}

/// See the module.
#[derive(Clone, Debug)]
pub enum Fault {
    /// An agent starts, if none runs there.
    Start(usize),
    /// SIGTERM to the agent.
    Stop(usize),
    /// SIGKILL to the agent.
    KillAgent(usize),
    /// SIGKILL to the guard.
    KillGuard(usize),
    /// SIGKILL to both at once.
    KillBoth(usize),
    /// The service of a group dies by itself.
    KillService(usize, GroupId),
    /// SIGSTOP to the agent.
    PauseAgent(usize),
    /// SIGCONT to the agent.
    ResumeAgent(usize),
    /// SIGSTOP to the guard.
    PauseGuard(usize),
    /// SIGCONT to the guard.
    ResumeGuard(usize),
    /// The whole machine stands still; its clock goes on.
    Freeze(usize),
    /// And runs again.
    Thaw(usize),
    /// The machine loses power.
    PowerOff(usize),
    /// And comes back, with a clock that starts anew, and an agent.
    PowerOn(usize),
    /// The machine's way to the store is cut.
    Cut(usize, Cut),
    /// And mended.
    Mend(usize),
    /// The store answers nobody.
    Outage,
    /// And answers again.
    OutageEnds,
    /// Reads from there show what was, from now on.
    Stale(usize),
    /// And what is.
    Fresh(usize),
    /// Writes from there get no answer in time and are applied late, in so many of a thousand cases.
    Late(usize, u64),
    /// The service of a group there changes its ways.
    Temper(usize, GroupId, Temper),
    /// An operator's order to a group, which any agent may take.
    Order(GroupId, Order),
    /// What one machine sends to another is lost.
    Sever(Way),
    /// And gets there again.
    Join(Way),
    /// What one machine sends to another takes so much longer.
    Drag(Way, u64),
    /// The log's leader loses its office; another is elected.
    Depose,
    /// The machine loses power, and what was on its disk.
    Wipe(usize),
    /// The disk there takes so much longer, and fails so many of a thousand writes.
    Disk(usize, u64, u64),
    /// An operator wants other voters.
    Voters(Change),
    /// All of it ends: everything is mended, everybody runs.
    HealAll,
}
