//! Files that are the same on all members of a group: where they are not, and the versions that the leader has sent.

use serde::{Deserialize, Serialize};

/// A file that is not on one member as it is on the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Drift {
    /// The member.
    pub node: String,
    /// The file, as the configuration names it.
    pub path: String,
    /// What is different, in words.
    pub what: String,
}

/// `GET /api/groups/{group}/drift?path=PATH`: one difference between two sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// A member, or a version that the leader has sent.
    pub from: String,
    /// The member that differs.
    pub to: String,
    /// As `diff -u` shows it; absent where what the file holds is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why there is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

/// `GET /api/groups/{group}/sync`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {
    /// The files and folders that the leader sends.
    pub paths: Vec<String>,
    /// Those that are only compared.
    pub watch: Vec<String>,
    /// Why the leader does not send what has changed, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// Somebody has asked the leader to send what it has, and it has not done so yet.
    #[serde(default)]
    pub asked: bool,
    /// What came of the newest act that no version came of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Answered>,
    /// Counts what was written to the record of versions.
    #[serde(default)]
    pub edits: u64,
    /// Versions, oldest first; the last one is in force.
    pub versions: Vec<SyncVersion>,
    /// What each member has.
    pub nodes: Vec<SyncNode>,
    /// Where members differ.
    pub drift: Vec<Drift>,
}

/// What came of an act that asked to have files sent, where no version did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The act.
    pub act: u64,
    /// Whether that is as it should be: all members have what the leader has.
    pub ok: bool,
    /// In words.
    pub text: String,
}

/// One version of a group's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncVersion {
    /// Grows with every version.
    pub number: u64,
    /// The leadership it was made in.
    pub epoch: u64,
    /// The node that made it.
    pub by: String,
    /// When, RFC 3339, by that node's wall clock.
    pub at: String,
    /// Who asked for it; absent: the files had changed on the leader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Why, as whoever asked has put it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The act that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<u64>,
    /// The earlier version that it brings back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// How many files it has.
    pub files: u64,
    /// Their size, in bytes.
    pub bytes: u64,
    /// Some of those that changed, in words.
    pub changed: Vec<String>,
}

/// What one member has of a group's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncNode {
    /// The member.
    pub node: String,
    /// The version that it has put in place; 0: none yet.
    pub version: u64,
    /// What keeps it from going on, or what it could not keep, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// `POST /api/groups/{group}/sync/push`: send what the leader has, differences and all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The answer: the leader does so in a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// What the record of versions counts now: once it counts more, the leader has looked.
    pub edits: u64,
    /// The act, whose outcome says what was sent.
    pub act: u64,
}

/// `POST /api/groups/{group}/sync/take-back`: what such an act asks for is not to be sent any more. The answer is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeBack {
    /// The act.
    pub act: u64,
}

/// `POST /api/groups/{group}/sync/rollback`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// The version to bring back, as a new one.
    pub to: u64,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
