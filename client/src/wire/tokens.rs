//! `/api/tokens`: who may do what.

use serde::{Deserialize, Serialize};

/// One token, as `GET /api/tokens` lists it. Its text is told once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Whose it is.
    pub name: String,
    /// What it lets do: `status`, `statistics`, `viewer` (both), `operator` or `admin`.
    pub right: String,
    /// When it was made, RFC 3339.
    pub made: String,
    /// Who made it.
    pub by: String,
    /// When it ends, RFC 3339, by the wall clock of whichever node is asked; never otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Whether it has ended.
    pub expired: bool,
}

/// `POST /api/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// Whose it is to be.
    pub name: String,
    /// What it is to let do.
    pub right: String,
    /// For how many seconds it is good; for ever otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_s: Option<u64>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeToken {
    /// Its text: nobody can tell it again.
    pub token: String,
    /// What it is.
    #[serde(flatten)]
    pub about: Token,
}
