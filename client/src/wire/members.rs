//! `/api/members`: who belongs to an embedded cluster, and the acts upon them.

use serde::{Deserialize, Serialize};

/// `GET /api/members`: who belongs to an embedded cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roll {
    /// The members, by name.
    pub members: Vec<Seat>,
    /// Who leads the log, if anybody does. Nothing follows from it for who leads a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_leader: Option<String>,
    /// What the cluster could not survive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// One member of an embedded cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The node's name.
    pub node: String,
    /// The incarnation of its disk, in hexadecimal. A wiped disk comes back with another.
    pub id: String,
    /// Where its agent answers, `host:port`.
    pub address: String,
    /// `voter`, `spare` (follows, takes a voter's place when one is dead), or `coming`.
    pub state: String,
    /// It votes and never leads a group.
    #[serde(default)]
    pub witness: bool,
    /// Since it was last heard of, in milliseconds; absent: not since the asked agent's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_ms: Option<u64>,
    /// How many entries of the log it lacks, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
}

/// `POST /api/members/invite`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// For how long the token is good, in seconds.
    pub good_s: u64,
}

/// The answer: a line to give to `hotseat join`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The line. Who has it can join.
    pub token: String,
}

/// `POST /api/members/remove`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// Which node.
    pub node: String,
}

/// `POST /api/nodes/remove`: takes dead nodes out of their groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dismiss {
    /// Which node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// All that are dead.
    #[serde(default)]
    pub dead: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissed {
    /// These are members no more.
    pub removed: Vec<String>,
    /// These were none any more.
    #[serde(default)]
    pub already: Vec<String>,
    /// Those of them that belong to the cluster all the same, where the agents are the store: `members remove` ends that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub belong: Vec<String>,
}
