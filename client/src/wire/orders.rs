//! What people have ordered of a group and what stands of it: part of `GET /api/cluster`.

use serde::{Deserialize, Serialize};

/// What stands of the orders given for a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// The version of the record; 0: nothing was ever ordered. Members tell which one they heed.
    pub version: u64,
    /// Every order that stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_force: Vec<InForce>,
    /// The newest act, whatever came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<super::Act>,
}

/// One order that stands until it is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// `pause`, `pin`, `mode` or `priority`.
    pub what: String,
    /// The node it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What it was before anything was ordered: as the node's file said then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The act that set it.
    pub act: u64,
    /// Who asked.
    pub who: String,
    /// When, RFC 3339.
    pub at: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
