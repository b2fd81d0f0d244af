//! What the members say to each other, and the road it takes: [`Wire`], which the agent makes.
//!
//! Nothing here opens a socket or knows who is allowed to speak; bytes from outside are bounded before they are read.

use async_trait::async_trait;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest, TransferLeaderResponse,
    VoteRequest, VoteResponse,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::members::{Change, Member};
use super::types::{Command, LogId, Meta, Outcome, Peer, Types, Vote};

/// The road between members.
///
/// To be correct: calls on one lane to one peer may be answered out of order and must not wait for each other's
/// answers, or a follower's slow disk would hold up the heartbeats; lanes must not wait for each other at all. A call
/// ends when it is dropped. Whoever is called learns from the transport, never from the request, who asks.
#[async_trait]
pub trait Wire: Send + Sync + 'static {
    /// Carries one request to a peer and its answer back. `Err`: not known whether it arrived.
    async fn call(&self, to: &Peer, lane: Lane, request: Vec<u8>) -> Result<Vec<u8>, Unreachable>;
}

/// Which connection a request takes, so that a snapshot never delays a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Entries of the log, heartbeats and votes.
    Log,
    /// Snapshots.
    Bulk,
    /// Writes, reads and changes that go to the leader.
    Control,
}

/// The peer did not answer, and why; it may have received the request all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable(pub String);

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreachable {}

/// The longest request and the longest answer: a batch of entries, one of which may hold the greatest body there is,
/// or a piece of a snapshot, with room for what frames them.
pub const MESSAGE_LEN_MAX: usize = 2 * 1024 * 1024;

/// The first byte of every message; raised when a member could misread another.
const VERSION: u8 = 1;

/// What one member asks of another.
#[derive(Serialize, Deserialize)]
pub(super) enum Request {
    Append(AppendEntriesRequest<Types>),
    Vote(VoteRequest<Types>),
    PreVote(VoteRequest<Types>),
    Transfer(TransferLeaderRequest<Types>),
    Piece(Piece),
    /// Up to where the asked one's log goes.
    LastLog,
    Control(Control),
}

/// What any member asks of the leader.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Control {
    /// Put a command into the log, and tell what came of it.
    Propose(Command),
    /// How far the log is to be applied before a read that begins now.
    ReadIndex,
    /// Change the members.
    Change(Change),
    /// Who the members are, and how far each is.
    Members,
}

/// The answer to the request of the same name, or why there is none.
#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    Append(AppendEntriesResponse<Types>),
    Vote(VoteResponse<Types>),
    Transfer(TransferLeaderResponse<Types>),
    /// `None`: the piece is taken, more are to come.
    Piece(Option<SnapshotResponse<Types>>),
    Outcome(Outcome),
    /// The log is to be applied up to here before the read.
    ReadIndex(u64),
    LastLog(Option<LogId>),
    Changed,
    Members(Vec<Member>),
    /// Certainly nothing was done: ask the leader, if there is one.
    NotLeader(Option<u64>),
    /// Certainly nothing was done, and asking again will not help.
    Refused(String),
    /// It is not known whether anything was done.
    Unknown(String),
}

/// A part of a snapshot.
#[derive(Serialize, Deserialize)]
pub(super) struct Piece {
    /// Of the leader that sends it.
    pub(super) vote: Vote,
    /// Which snapshot.
    pub(super) meta: Meta,
    /// How long the whole is.
    pub(super) total: u64,
    /// Where this part begins.
    pub(super) offset: u64,
    /// The part.
    pub(super) bytes: Vec<u8>,
}

/// Why bytes are no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Garbled(pub(super) String);

pub(super) fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    postcard::to_extend(message, vec![VERSION]).expect("a vector takes any message, and no message of ours fails")
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Garbled> {
    if bytes.len() > MESSAGE_LEN_MAX {
        return Err(Garbled(format!("{} bytes are more than a message has ({MESSAGE_LEN_MAX})", bytes.len())));
    }
    let Some((version, rest)) = bytes.split_first() else { return Err(Garbled("an empty message".to_owned())) };
    if *version != VERSION {
        return Err(Garbled(format!("a message of version {version}; this member speaks version {VERSION}")));
    }
    match postcard::take_from_bytes(rest) {
        Ok((message, [])) => Ok(message),
        Ok((_, more)) => Err(Garbled(format!("{} bytes too many behind a message", more.len()))),
        Err(error) => Err(Garbled(format!("a message that cannot be read: {error}"))),
    }
}
