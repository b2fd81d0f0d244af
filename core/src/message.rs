//! What goes into a [`Node`](crate::Node) and what comes out. Actions are data; who carries them out decides nothing.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::group::Bar;
use crate::id::{Epoch, GroupId, NodeName, Nonce, SessionId, Version, VoterId};
use crate::proof::{Proof, ProofHash};
use crate::quorum::{Answer, Question, Renewal};
use crate::record::{Key, Record};
use crate::service::Role;
use crate::time::Instant;

/// Names one write, so that its answer finds home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What a write builds on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The key has never been written.
    Absent,
    /// The key stands at this version.
    Version(Version),
    /// Whatever is there: only for mutants, which the simulator must catch.
    #[cfg(feature = "mutants")]
    Anything,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It stands in the store, at this version.
    Applied(Version),
    /// It does not and never will.
    Refused,
    /// Nobody knows: it may stand, or may land later (A1).
    Unknown,
}

/// Every record of the store, as one listing saw it. Possibly stale, never torn.
#[derive(Clone, Debug)]
pub struct Look {
    /// When the listing was asked for.
    pub began: Instant,
    /// What it found. `Err` is a record that cannot be read: treated as held.
    pub records: BTreeMap<Key, (Version, Result<Record, String>)>,
}

/// What the guard reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardReport {
    /// It runs. Nothing has been started yet.
    Ready {
        /// The hash of its secret.
        proof: ProofHash,
        /// 128 fresh random bits, to name the session.
        session: Nonce,
        /// How it contains: `cgroup` or `tree`.
        contained: String,
    },
    /// It could not be started.
    Failed(String),
    /// Everything of the session is dead, and this is the proof.
    Proven(Proof),
    /// It vanished without a word: nothing is known.
    Lost,
}

/// What a service, or what looks after it, reports. Every report names the run it speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceInput {
    /// The process runs.
    Started,
    /// The process could not be started.
    StartFailed(String),
    /// The main process ended; what remains of its tree is being killed.
    Exited(String),
    /// Nothing of its tree is alive.
    Gone,
    /// A ready check ended.
    Ready(Result<(), String>),
    /// A health check ended.
    Health(Result<(), String>),
    /// It was told its role, and did or did not acknowledge that; the hook, if any, ended well or not.
    Turned(Result<bool, String>),
}

/// Something happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time passed.
    Tick,
    /// Somebody says that the store changed; only a hint.
    Hint,
    /// A listing ended.
    Looked(Look),
    /// A listing failed.
    LookFailed,
    /// A write ended, or was given up.
    Written(Ticket, Outcome),
    /// Somebody relays a guard's word.
    Proof(Proof),
    /// The guard reports.
    Guard(GuardReport),
    /// A service of a group reports; the number is its run.
    Service(GroupId, u64, ServiceInput),
    /// The groups' configurations were read anew; groups that are not named stay as they are.
    Reconfigure(Vec<crate::group::GroupConfig>),
    /// What followed the leadership of that epoch, an address or a hook, is off again: the answer to the newest
    /// `Withdraw`.
    Withdrawn(GroupId, Epoch),
    /// Another node asks this one as a voter.
    Asked(VoterId, Question),
    /// A voter answers.
    Answered(VoterId, Answer),
    /// The promises of that number are on the disk; or the disk did not take them.
    Kept(u64, Result<(), String>),
    /// Nothing is under way to the group's service of that epoch any more, as far as anybody can tell.
    Drained(GroupId, Epoch),
    /// Stop: hand over, release, exit.
    Stop,
}

/// What the guard is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardCommand {
    /// Everything dies at this instant, unless a later one is given in time.
    Deadline(Instant),
    /// Start the group's service.
    Start {
        /// The group.
        group: GroupId,
        /// The run, to name it in reports.
        run: u64,
        /// What it is told it is.
        role: Role,
    },
    /// Send the configured stop signal to the main process.
    Signal(GroupId, u64),
    /// Kill the whole tree.
    Kill(GroupId, u64),
    /// Kill everything of the session, prove it, give the word.
    End,
}

/// What is to be done.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a handful live for microseconds; a box each would cost more")]
pub enum Action {
    /// List the store.
    Look,
    /// Compare and swap.
    Write {
        /// For the answer.
        ticket: Ticket,
        /// Where.
        key: Key,
        /// Over what.
        expect: Expect,
        /// What.
        record: Record,
    },
    /// Send a renewal to every node, this one included: voters acknowledge it, all take note.
    Renew(Renewal),
    /// Ask a voter, which may be this node.
    Ask(VoterId, Question),
    /// Answer what another node, or this one, asked.
    Answer(VoterId, Answer),
    /// Write all of a voter's promises to the disk, durably, and report `Kept` with this number (B2).
    Keep(u64, BTreeSet<SessionId>),
    /// Start a guard for a new session.
    SpawnGuard,
    /// Ask the guard of this node's earlier session for its word.
    AskGuard(SessionId),
    /// Tell the guard.
    Guard(GuardCommand),
    /// Run one ready check of the group's service, in this role.
    CheckReady(GroupId, u64),
    /// Run one health check.
    CheckHealth(GroupId, u64),
    /// Tell a running service its new role, run the hook of that change, and report `Turned`.
    Turn(GroupId, u64, Role),
    /// The group is led from here and its service is ready: proxies and addresses may follow.
    Announce(GroupId, Epoch),
    /// No longer. Where the group has [followers](crate::GroupConfig::followers), `Withdrawn` answers it, and nothing is
    /// released before.
    Withdraw(GroupId, Epoch),
    /// The group's leadership of that epoch is about to end as planned, and its record says so: wait until nothing is
    /// under way to its service, on whichever node, and report `Drained`.
    Drain(GroupId, Epoch),
    /// For the log, the history and the people.
    Tell(Event),
    /// End the process.
    Exit(Exit),
}

/// Why a leadership began, ended, or did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "detail")]
pub enum Reason {
    /// Nobody had led before.
    First,
    /// An operator's switchover.
    Switchover,
    /// The agent was stopped.
    Stopped,
    /// The service ended by itself.
    ServiceExited(String),
    /// The service failed its health checks.
    Unhealthy(String),
    /// The service did not become ready, or a hook failed.
    NotReady(String),
    /// The leader's guard proved its death.
    Proven,
    /// The leader's lease ran out, its agent being silent; its guard ended everything then and proved it.
    Lapsed,
    /// The leader's own agent said that no renewal was acknowledged any more: it had lost its quorum and stopped itself.
    CutOff,
    /// The leader's session was silent.
    Silent,
    /// The leader's node began a new session.
    Replaced,
    /// A member of larger priority was well for long enough.
    Failback,
    /// People's order, other than a switchover: what it says.
    Ordered(String),
}

impl Reason {
    /// Whether somebody, or something, meant it.
    #[must_use]
    pub const fn planned(&self) -> bool {
        match self {
            Self::First | Self::Switchover | Self::Stopped | Self::Failback | Self::Ordered(_) => true,
            Self::ServiceExited(_)
            | Self::Unhealthy(_)
            | Self::NotReady(_)
            | Self::Proven
            | Self::Lapsed
            | Self::CutOff
            | Self::Silent
            | Self::Replaced => false,
        }
    }
}

/// What people may want to know. Times are stamped by whoever writes it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// This node's earlier session is not known to be dead: waiting for its guard's word, or for silence.
    Waiting(SessionId),
    /// A session began.
    SessionBegan(SessionId),
    /// This node's session is over.
    SessionOver(SessionId, String),
    /// Another node's session was ended by us.
    SessionEnded(NodeName, SessionId, crate::record::SessionState),
    /// A member came.
    MemberCame(NodeName),
    /// A member's session ended, whoever ended it.
    MemberLeft(NodeName, crate::record::SessionState),
    /// A group has a new leader.
    NewLeader {
        /// The group.
        group: GroupId,
        /// The leader.
        node: NodeName,
        /// The epoch.
        epoch: Epoch,
        /// Why.
        reason: Reason,
    },
    /// The leader's service is ready: promotion is complete.
    Serving {
        /// The group.
        group: GroupId,
        /// The leader.
        node: NodeName,
        /// The epoch.
        epoch: Epoch,
    },
    /// The leader let go, or lost it.
    NoLeader {
        /// The group.
        group: GroupId,
        /// The epoch that ended.
        epoch: Epoch,
        /// Why.
        reason: Reason,
    },
    /// This node begins to hand over.
    Demoting(GroupId, Epoch, Reason),
    /// This node, which leads that epoch, hands over as that act ordered.
    Obeyed(GroupId, Epoch, u64),
    /// This node, which leads that epoch, does not do as that act ordered, and why.
    Refused(GroupId, Epoch, u64, String),
    /// This node tries to lead that epoch.
    Claiming(GroupId, Epoch),
    /// Nobody leads since that epoch, and this node, which could, is kept from it.
    Barred(GroupId, Epoch, Bar),
    /// A service of this node was started.
    ServiceStarted(GroupId, Role),
    /// A service of this node is ready.
    ServiceReady(GroupId, Role),
    /// A service of this node ended by itself.
    ServiceExited(GroupId, String),
    /// A service of this node is to be restarted after a pause.
    ServiceRestarts(GroupId, core::time::Duration, u32),
    /// A health check failed: so many of so many.
    HealthFailed(GroupId, String, u32, u32),
    /// A record cannot be read.
    Damaged(Key, String),
}

/// How the process ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// As asked.
    Stopped,
    /// Another agent lives under this name.
    NameTaken {
        /// Where.
        address: String,
    },
    /// No guard could be started.
    NoGuard(String),
    /// It was to start as the leader, and another leads.
    LeaderThere(GroupId, NodeName),
    /// It was to start as a standby, and nobody leads.
    NoLeader(GroupId),
    /// It is not of one kind with a living member of the same group.
    Unlike {
        /// The group.
        group: GroupId,
        /// `role` or `region`.
        what: &'static str,
        /// This node's.
        own: String,
        /// The other member.
        node: NodeName,
        /// Its.
        theirs: String,
    },
}

/// Which of the writes to one record was settled, see `register`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Applied<T> {
    /// What was written.
    pub(crate) record: T,
    /// When that attempt was sent (A3).
    pub(crate) sent: Instant,
}
