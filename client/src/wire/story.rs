//! The story of a group: every change of its leader, phase by phase, and the changes that did not come to be.
//!
//! Every number in it was measured, on one machine's clock; what nobody knows is absent.

use serde::{Deserialize, Serialize};

/// `GET /api/groups/{group}/story`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// The group.
    pub group: String,
    /// The node that answers.
    pub node: String,
    /// Why the past is told from this node's memory and not from the store; absent if it is as the store has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<String>,
    /// How things are now, as this node sees them.
    pub now: Present,
    /// The newest leaderships, oldest first.
    pub leaderships: Vec<Leadership>,
    /// The newest changes that did not come to be, oldest first.
    pub spared: Vec<Spared>,
}

/// How a group is now, as one node sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// Who leads.
    pub leader: Option<String>,
    /// The newest epoch.
    pub epoch: u64,
    /// Whether the leader's service is ready.
    pub serving: bool,
    /// Each member, and why it does not lead.
    pub members: Vec<Choice>,
    /// What else keeps things as they are, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// One leadership: how it came to be, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leadership {
    /// Its number.
    pub epoch: u64,
    /// Who led; absent where nobody knows any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// When its claim was acknowledged, RFC 3339, by the leader's wall clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<String>,
    /// How it ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// Why it began, as a stable word: `first`, `switchover`, `stopped`, `service-exited`, `unhealthy`, `not-ready`,
    /// `proven`, `lapsed`, `cut-off`, `silent`, `replaced`, `failback`, `ordered`; `unknown` where nobody knows any more.
    pub why: String,
    /// The same, in words.
    pub reason: String,
    /// Who led before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Whether somebody meant it to be.
    pub planned: bool,
    /// Without a leader that serves, in milliseconds: from the last sign of the old one that the new one saw to its own
    /// announcement. The old one may have served on for a part of it: no more than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_ms: Option<u64>,
    /// Who measured that, on its own clock, where the new leader had not seen the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_by: Option<String>,
    /// Nobody measured it: it is the difference of two machines' wall clocks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outage_about: bool,
    /// What clients saw of it, by the proxies through which they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Wait>,
    /// What happened when, by the new leader's clock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
    /// Every member, and why it was chosen or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Choice>,
    /// What was the matter, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// The operator's act that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<u64>,
    /// When the old leader's node came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Back>,
    /// Who wrote this down, if not the leader itself: only what the store still told is known then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filled_in_by: Option<String>,
}

/// How a leadership ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When, RFC 3339, by the wall clock of whoever says so.
    pub at: String,
    /// Who says so: its own leader, or the next one.
    pub by: String,
    /// Why, as a stable word.
    pub why: String,
    /// The same, in words.
    pub reason: String,
    /// What happened when, by the old leader's clock; none if it could not tell any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
    /// The operator's act that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<u64>,
}

/// One moment of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// A stable word: `last-renewal`, `ceased`, `deadline`, `doubt`, `ending`, `ended`, `claim`, `claimed`, `started`,
    /// `ready`, `announced`, `first-client`; and of an end `order`, `drain`, `drained`, `stepped-down`, `released`.
    pub name: String,
    /// When, in milliseconds after the first one; absent if nobody knows.
    pub at_ms: Option<u64>,
    /// In words.
    pub note: String,
}

/// A member, and why it leads or does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The member.
    pub node: String,
    /// Whether it is the one.
    pub chosen: bool,
    /// In words.
    pub why: String,
}

/// What clients of one proxy saw of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The proxy's node.
    pub node: String,
    /// The longest that a request or connection was held, from its coming to its first answer, in milliseconds.
    pub longest_ms: u64,
    /// How many were held.
    pub clients: u64,
}

/// The return of a node that was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// When, RFC 3339, by the new leader's wall clock.
    pub at: String,
    /// As what.
    pub state: String,
}

/// A change of leader that did not come to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spared {
    /// When it was over, RFC 3339, by the wall clock of whoever wrote it down first.
    pub at: String,
    /// A stable word: `doubt-passed`, `restarted-in-place`, `held-off` (by a pause, a pin, or too many changes before), or
    /// `refused` (an order).
    pub kind: String,
    /// The leadership that stayed.
    pub epoch: u64,
    /// Its node.
    pub node: String,
    /// How long it lasted, in milliseconds: the longest, if it came several times; absent where nobody measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasted_ms: Option<u64>,
    /// How often, within a short time.
    pub times: u32,
    /// Who saw it.
    pub seen_by: Vec<String>,
    /// In words.
    pub text: String,
}
