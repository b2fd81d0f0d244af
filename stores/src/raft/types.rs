//! What the log is made of: its members, its commands and what comes of them.

use std::fmt;

use openraft::type_config::alias;
use serde::{Deserialize, Serialize};

use crate::{Body, Key};

openraft::declare_raft_types!(
    /// The types openraft is built with here. A leader's id orders by term, then node, so two that stand in one term
    /// do not split the votes: the greater id has them.
    pub(super) Types: D = Command, R = Outcome, Node = Peer
);

pub(super) type Consensus = openraft::Raft<Types, super::machine::Machine>;
pub(super) type LogEntry = alias::EntryOf<Types>;
pub(super) type LogId = alias::LogIdOf<Types>;
pub(super) type Vote = alias::VoteOf<Types>;
pub(super) type Members = alias::StoredMembershipOf<Types>;
pub(super) type Meta = alias::SnapshotMetaOf<Types>;
pub(super) type Metrics = openraft::RaftMetrics<Types>;

/// A member of the cluster, and where it is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Its incarnation: a random number, made together with its data folder and lost with it.
    pub id: u64,
    /// The node's name.
    pub name: String,
    /// `host:port`.
    pub address: String,
}

impl Peer {
    /// A host name has at most 253 bytes, a port 5.
    const TEXT_LEN_MAX: usize = 260;

    /// Whether the texts are of a length that a node could have.
    pub(super) fn fits(&self) -> bool {
        let fits = |text: &str| (1..=Self::TEXT_LEN_MAX).contains(&text.len());
        fits(&self.name) && fits(&self.address)
    }
}

/// What an entry of the log asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Command {
    /// A write, as [`Store::write`](crate::Store::write) has it.
    Write {
        /// The record.
        key: Key,
        /// The version it must have.
        expect: Option<u64>,
        /// The attempt.
        nonce: u128,
        /// The new body.
        body: Body,
    },
    /// Takes over records of an older cluster, with their versions: before the founding only.
    Adopt(Vec<Saved>),
    /// The cluster is complete from here on, and this is its identity.
    Found(String),
}

/// One record as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) key: Key,
    pub(super) version: u64,
    pub(super) nonce: u128,
    pub(super) body: Body,
}

/// What came of a command where it was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// Nothing to tell.
    Done,
    /// The write made this version, now or when it was applied before.
    Applied(u64),
    /// The write changed nothing and never will.
    Refused,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Write { key, expect, .. } => write!(f, "write {key} over {expect:?}"),
            Command::Adopt(records) => write!(f, "adopt {} records", records.len()),
            Command::Found(identity) => write!(f, "found {identity}"),
        }
    }
}
