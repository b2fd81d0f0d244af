//! `GET /api/events`: one node's story, line by line.

use serde::{Deserialize, Serialize};

/// One line of a node's story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts up on this node; use it with `?after=`.
    pub id: u64,
    /// RFC 3339 with milliseconds, by the node's wall clock.
    pub at: String,
    /// The node that tells it.
    pub node: String,
    /// A stable word for programs: `new-leader`, `no-leader`, `serving`, …
    pub kind: String,
    /// The group, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The epoch, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// For people.
    pub text: String,
}
