//! What a member's `data_dir` says it is: its incarnation, and through whom it comes to its cluster.
//!
//! Made by `hotseat init` and `hotseat join`, read at every start. A folder without it belongs to no cluster.

use std::fs;
use std::path::{Path, PathBuf};

use hotseat_core::VoterId;
use hotseat_stores::raft::Peer;
use serde::{Deserialize, Serialize};

use super::promises::{Promises, checksum};
use crate::durable;

const FILE: &str = "member.json";
/// The form of the file. A later one is refused, not guessed at.
const FORM: u32 = 1;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    hotseat: u32,
    /// The cluster's name.
    pub cluster: String,
    /// The node's name.
    pub node: String,
    /// This disk's incarnation, in hexadecimal: large numbers do not survive every reader of JSON.
    id: String,
    /// Members to come to the cluster through.
    pub members: Vec<Peer>,
}

impl Seat {
    /// The seat of an incarnation, which comes to its cluster through these members.
    #[must_use]
    pub fn new(cluster: &str, node: &str, id: u64, members: Vec<Peer>) -> Self {
        let (cluster, node) = (cluster.to_owned(), node.to_owned());
        Self { hotseat: FORM, cluster, node, id: format!("{id:016x}"), members }
    }

    /// The incarnation.
    #[must_use]
    pub fn id(&self) -> VoterId {
        VoterId(u64::from_str_radix(&self.id, 16).unwrap_or_default())
    }

    /// The folder of an embedded member in a `data_dir`.
    #[must_use]
    pub fn folder(data_dir: &Path) -> PathBuf {
        data_dir.join("raft")
    }

    /// Whether this `data_dir` is a member's.
    #[must_use]
    pub fn taken(data_dir: &Path) -> bool {
        Self::folder(data_dir).join(FILE).exists()
    }

    /// Makes this `data_dir` a member's, with no promises given yet.
    ///
    /// # Errors
    /// What and where.
    pub fn take(&self, data_dir: &Path) -> Result<(), String> {
        let folder = Self::folder(data_dir);
        let at = |error: &dyn std::fmt::Display| format!("data_dir {}: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(|error| at(&error))?;
        Promises::at(&folder).keep(&[].into()).map_err(|error| at(&error))?;
        let text = serde_json::to_string_pretty(self).map_err(|error| at(&error))?;
        let text = format!("{}\n{text}", checksum(&text));
        durable::replace(&folder.join(FILE), text.as_bytes(), durable::PUBLIC).map_err(|error| at(&error))
    }

    /// Reads it; it has to be this cluster's and this node's.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub fn of(data_dir: &Path, cluster: &str, node: &str) -> Result<Self, String> {
        let path = Self::folder(data_dir).join(FILE);
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => format!(
                "this node belongs to no cluster yet: {} has no member in it\n       \
                 The first node of a cluster: hotseat init -c FILE. Every other: hotseat join TOKEN, with the line that \
                 `hotseat members invite` prints on a member.",
                data_dir.display()
            ),
            _ => format!("cannot read {}: {error}", path.display()),
        })?;
        let wrong = |what: String| {
            format!("{}: {what}\n       Clear the folder and join anew: hotseat join TOKEN", path.display())
        };
        let (sum, text) = text.split_once('\n').unwrap_or_default();
        if sum != checksum(text) {
            return Err(wrong(String::from("its checksum is wrong: it is torn, or was changed by hand")));
        }
        let seat: Self = serde_json::from_str(text).map_err(|error| wrong(format!("it is torn: {error}")))?;
        if seat.hotseat != FORM || seat.id() == VoterId(0) {
            return Err(wrong(format!("form {} is not one this version reads", seat.hotseat)));
        }
        if seat.cluster != cluster || seat.node != node {
            // Not to be cleared: it may be another node's.
            return Err(format!(
                "{}: it is node \"{}\" of cluster \"{}\"; the configuration says \"{node}\" of \"{cluster}\"\n       \
                 Give this node a data_dir of its own, or mend its name.",
                path.display(),
                seat.node,
                seat.cluster
            ));
        }
        Ok(seat)
    }
}
