//! What operators ask for, and what they are answered.

use serde::{Deserialize, Serialize};

/// One act upon a group: who asked for what, when and why, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Grows with every act upon the group.
    pub id: u64,
    /// When it was asked for, RFC 3339, by the wall clock of the agent that took it.
    pub at: String,
    /// Who asked.
    pub who: String,
    /// The node whose agent took it.
    pub via: String,
    /// `pause`, `resume`, `pin`, `unpin`, `mode`, `priority`, `switchover`, `remove`, …
    pub what: String,
    /// To what, or to whom, in words.
    pub detail: String,
    /// Why, as whoever asked has put it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What came of it; absent while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// What came of an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// When that was written down, RFC 3339.
    pub at: String,
    /// Whether what was asked for came to be.
    pub ok: bool,
    /// In words.
    pub text: String,
}

/// The answer to an act: it is in the record, and the group's leader obeys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// The act; an earlier one, if what was asked for stands already and it is still kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
    /// Nothing had to be done.
    #[serde(default)]
    pub already: bool,
    /// The version of the group's orders that it stands in: members tell which one they heed.
    pub orders: u64,
}

/// `POST /api/groups/{group}/pause`, `resume` and `unpin`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// Why, for whoever reads the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST /api/groups/{group}/pin`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Who is to lead as long as it can; who leads now otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST /api/groups/{group}/mode`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetMode {
    /// Whose; the asked agent's own otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// `auto, leader, standby, hot-standby, backup, disabled`; what the node's file says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST /api/groups/{group}/priority`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetPriority {
    /// Whose; the asked agent's own otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Higher wins; what the node's file says if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST /api/groups/{group}/switchover`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switchover {
    /// To whom; the best candidate otherwise.
    #[serde(default)]
    pub to: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The leadership that is to end. With it the same may be asked for again in doubt: it is done once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
}

/// Why an act was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// In words.
    pub error: String,
    /// The leader's agent, where the act belongs, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<String>,
    /// Nothing is wrong with what was asked: the same may be granted in a while.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}
