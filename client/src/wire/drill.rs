//! Fire drills: a failover that is made on purpose, and what came of it.

use serde::{Deserialize, Serialize};

/// How a leadership is ended for a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrillKind {
    /// The leader hands over, as for an operator.
    Switchover,
    /// The leader's agent is killed; its guard kills the service.
    Crash,
    /// The leader's agent stands still for longer than its lease, as with a machine that hangs.
    Freeze,
}

impl DrillKind {
    /// As users write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Switchover => "switchover",
            Self::Crash => "crash",
            Self::Freeze => "freeze",
        }
    }
}

/// `POST /api/groups/{group}/drill`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrillOrder {
    /// How.
    pub kind: DrillKind,
    /// The longest outage that passes, in milliseconds; any otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<u64>,
    /// Also while a member is offline, soon after a failover, or where nothing is known to start a killed agent again.
    #[serde(default)]
    pub force: bool,
    /// Why, for whoever reads the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A drill that is under way. There is one at a time in a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillUnderWay {
    /// Its number, which grows.
    pub id: u64,
    /// The group.
    pub group: String,
    /// When it was asked for, RFC 3339.
    pub at: String,
    /// Who asked, `schedule` if nobody did.
    pub who: String,
    /// What was asked for.
    pub order: DrillOrder,
    /// Who led when it began.
    pub leader: String,
    /// The leadership that is to end.
    pub epoch: u64,
    /// Who watches, and what they have seen.
    #[serde(default)]
    pub watchers: Vec<DrillWatch>,
    /// Whether the leader has been told to fall.
    #[serde(default)]
    pub struck: bool,
}

/// What one node has seen of a drill, as a client of the group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillWatch {
    /// The node.
    pub node: String,
    /// How it asked, in words.
    pub asked: String,
    /// What came of it; absent while it watches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<DrillSeen>,
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillSeen {
    /// The longest time without a good answer, in milliseconds; absent if there was none after the fall.
    pub outage_ms: Option<u64>,
    /// Questions.
    pub questions: u64,
    /// Those of them that failed.
    pub failed: u64,
}

/// A drill that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// Its number.
    pub id: u64,
    /// When it was asked for, RFC 3339.
    pub at: String,
    /// Who asked, `schedule` if nobody did.
    pub who: String,
    /// What was asked for.
    pub order: DrillOrder,
    /// Who led before.
    pub from: String,
    /// Who leads now, if anybody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The leadership that ended.
    pub epoch: u64,
    /// What its clients have waited at most, in milliseconds, as the watcher saw it that saw the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_ms: Option<u64>,
    /// Whether somebody else led in time.
    pub passed: bool,
    /// What came of it, in words.
    pub text: String,
    /// Who watched, and what they saw.
    #[serde(default)]
    pub watchers: Vec<DrillWatch>,
}

/// `GET /api/groups/{group}/drills`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drills {
    /// The one under way, of this group or of another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<DrillUnderWay>,
    /// Those that are over, newest first.
    pub history: Vec<Drill>,
}

/// The newest drill of a group, as `GET /api/cluster` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastDrill {
    /// When, RFC 3339.
    pub at: String,
    /// How.
    pub kind: DrillKind,
    /// What clients have waited, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_ms: Option<u64>,
    /// Whether it passed.
    pub passed: bool,
}

impl From<&Drill> for LastDrill {
    fn from(drill: &Drill) -> Self {
        Self { at: drill.at.clone(), kind: drill.order.kind, outage_ms: drill.outage_ms, passed: drill.passed }
    }
}
