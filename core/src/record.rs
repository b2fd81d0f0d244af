//! What stands in the store: one record per session, one per group, what people ordered of it, and the voters where
//! there are any.
//! Versions never restart (A6).
//!
//! All dependence on time sits in session records, one per node; a group's record only names an epoch
//! and a session. So heartbeats cost O(nodes), and a claim needs no clock.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use core::fmt;
use serde::{Deserialize, Serialize};

use crate::demise::Demise;
use crate::id::{Epoch, GroupId, InvalidName, NodeName, Nonce, SessionId, Version, VoterId};
use crate::message::Reason;
use crate::mode::Mode;
use crate::orders::OrdersRecord;
use crate::proof::{ProofHash, Secret};
use crate::timing::Promise;

/// Where a record stands: `session/NODE`, `group/ID`, `orders/ID` or `voters`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The session record of a node.
    Session(NodeName),
    /// The record of a group.
    Group(GroupId),
    /// What people have ordered of a group.
    Orders(GroupId),
    /// Who acknowledges renewals (B6).
    Voters,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(node) => write!(f, "session/{node}"),
            Self::Group(group) => write!(f, "group/{group}"),
            Self::Orders(group) => write!(f, "orders/{group}"),
            Self::Voters => f.write_str("voters"),
        }
    }
}

impl core::str::FromStr for Key {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text.split_once('/') {
            None if text == "voters" => Ok(Self::Voters),
            Some(("session", node)) => NodeName::new(node).map(Self::Session),
            Some(("group", group)) => GroupId::new(group).map(Self::Group),
            Some(("orders", group)) => GroupId::new(group).map(Self::Orders),
            Some(_) | None => Err(InvalidName(String::from(text))),
        }
    }
}

/// Any record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// At `session/NODE`.
    Session(SessionRecord),
    /// At `group/ID`.
    Group(GroupRecord),
    /// At `orders/ID`.
    Orders(OrdersRecord),
    /// At `voters`.
    Voters(VotersRecord),
}

/// Whether a session is alive. Ended is for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionState {
    /// Renewing.
    Alive,
    /// Ended by its own agent, everything stopped.
    Released,
    /// Ended by its guard's proof of death.
    Proven,
    /// Ended by silence of `ttl·(1+ε)`.
    Expired,
}

/// One run of an agent, as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Unique per write (A3). The store keeps it beside the body, so that a renewal says nothing new.
    #[serde(skip)]
    pub nonce: Nonce,
    /// The node.
    pub node: NodeName,
    /// Which of its sessions.
    pub session: SessionId,
    /// Counts renewals. Not written: a record's version counts as well.
    #[serde(skip)]
    pub seq: u64,
    /// Alive, or how it ended.
    pub state: SessionState,
    /// When silence may be believed (A7).
    pub promise: Promise,
    /// What the guard's proof must hash to (D6).
    pub proof: ProofHash,
    /// The agent's address, `host:port`.
    pub address: String,
    /// The agent's version.
    pub version: String,
    /// The node's region.
    pub region: String,
    /// Whether everything of a service surely dies with agent and guard (D1): `cgroup` or `tree`.
    pub contained: String,
    /// What the node is in each of its groups.
    pub members: BTreeMap<GroupId, Member>,
    /// The voter set that justifies its lease by itself (B7); `None` where the store is the quorum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
    /// What it was ended on, where that is checked when the write is applied (B4, D7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grounds: Option<Grounds>,
    /// Why it ended, where its guard or its agent told. For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demise: Option<Demise>,
    /// Why the session before this one ended, where that is known. For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Demise>,
}

/// Why a session may be ended by others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grounds {
    /// These voters promised never to acknowledge it again (B2).
    Promises(BTreeSet<VoterId>),
    /// Its guard's secret (D6).
    Proof(Secret),
}

/// Who acknowledges renewals: a record in the log, not Raft's own membership (B6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VotersRecord {
    /// Unique per write. The store keeps it beside the body.
    #[serde(skip)]
    pub nonce: Nonce,
    /// Which set it is: one more with every voter that comes or goes.
    pub number: u64,
    /// The set.
    pub voters: BTreeSet<VoterId>,
}

/// What a member is in a group right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberState {
    /// Coming up.
    Starting,
    /// Leads, and its service is ready.
    Leader,
    /// Ready to take over; its service does not run.
    Standby,
    /// Ready to take over, its service runs.
    HotStandby,
    /// Runs, never leads.
    Backup,
    /// Its service keeps failing here.
    Failed,
    /// No session.
    Offline,
}

impl MemberState {
    /// The word that users see.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Leader => "leader",
            Self::Standby => "standby",
            Self::HotStandby => "hot-standby",
            Self::Backup => "backup",
            Self::Failed => "failed",
            Self::Offline => "offline",
        }
    }
}

/// What a node publishes of itself for one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its state.
    pub state: MemberState,
    /// Its mode.
    pub mode: Mode,
    /// Its priority; higher wins.
    pub priority: i64,
    /// Its role.
    pub role: String,
    /// Whether it would lead if asked now.
    pub candidate: bool,
    /// Whether its service runs and is ready.
    pub hot: bool,
    /// How fresh its state is; higher is fresher.
    pub fresh: u64,
    /// Where its service answers, `host:port`.
    pub service: Option<String>,
    /// What is wrong, in words.
    pub trouble: Option<String>,
    /// The newest version of the group's orders that it heeds; 0: none.
    #[serde(default)]
    pub orders: Version,
}

/// Who leads a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leader {
    /// The node.
    pub node: NodeName,
    /// The session that claimed.
    pub session: SessionId,
}

/// A group's leadership, as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// Unique per write (A6). The store keeps it beside the body.
    #[serde(skip)]
    pub nonce: Nonce,
    /// The number of the newest leadership.
    pub epoch: Epoch,
    /// Who holds it; `None` after a release.
    pub leader: Option<Leader>,
    /// Whether the leader's service is ready: promotion is complete.
    pub serving: bool,
    /// Where the leader's service answers.
    pub service: Option<String>,
    /// Who is to lead next (switchover); reserved for one ttl.
    pub next: Option<NodeName>,
    /// Who let go, and should not win straight back.
    pub avoid: Option<NodeName>,
    /// Why the leadership changed last.
    pub reason: Reason,
    /// So many changes in a row were nobody's plan, with no leader between them that stayed.
    #[serde(default)]
    pub unrest: u32,
    /// The newest ordered switchover that a leader obeyed: it stepped down for it. Every later write carries it on, so that
    /// what became of an order can be told however much has happened since. 0: none.
    #[serde(default)]
    pub obeyed: u64,
}

impl GroupRecord {
    /// Who led last: whoever does, or let go.
    #[must_use]
    pub fn last(&self) -> Option<&NodeName> {
        self.leader.as_ref().map(|leader| &leader.node).or(self.avoid.as_ref())
    }
}
