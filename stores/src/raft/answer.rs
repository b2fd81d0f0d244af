//! What comes from other members: checked here, then given to openraft, to the log or to the leader's part.
//!
//! It trusts a member to follow the protocol no further than it must: nobody speaks for another, and what no member
//! could rightly send never reaches openraft, which would panic over some of it.

use std::sync::{Mutex, PoisonError};

use openraft::async_runtime::WatchReceiver;
use openraft::raft::AppendEntriesRequest;
use openraft::{EntryPayload, Membership};

use super::members::MEMBERS_MAX;
use super::picture::{PICTURE_LEN_MAX, Picture};
use super::types::{LogId, Meta, Peer, Types, Vote};
use super::wire::{Answer, Piece, Request, decode, encode};
use super::{Inner, Raft};

/// Terms beyond this are not reached by elections, and the numbers after the last one wrap.
const TERM_MAX: u64 = 1 << 62;

/// A snapshot on its way in; there is one leader, so there is one of them.
#[derive(Debug, Default)]
pub(super) struct Inbox(Mutex<Option<Arriving>>);

#[derive(Debug)]
struct Arriving {
    from: u64,
    upto: Option<LogId>,
    total: u64,
    bytes: Vec<u8>,
}

impl Raft {
    /// Answers one request of the member `from`, whose identity the transport has made sure of.
    ///
    /// Whatever the bytes are, there is an answer, of at most [`MESSAGE_LEN_MAX`](super::MESSAGE_LEN_MAX) bytes, and
    /// no panic. It ends within the store's time-out, or openraft's.
    pub async fn answer(&self, from: u64, request: &[u8]) -> Vec<u8> {
        let answer = match decode(request) {
            Ok(request) => self.0.answer(from, request).await,
            Err(garbled) => Answer::Refused(garbled.0),
        };
        encode(&answer)
    }
}

impl Inner {
    async fn answer(&self, from: u64, request: Request) -> Answer {
        if let Some(reason) = self.failure() {
            // What came for the leader has certainly not been done.
            let control = matches!(request, Request::Control(_));
            return if control { Answer::NotLeader(None) } else { Answer::Refused(reason) };
        }
        if let Err(why) = proper(from, &request) {
            return Answer::Refused(why);
        }
        match request {
            Request::Append(append) => self.append(append).await,
            Request::Vote(vote) => said(self.raft.vote(vote).await, Answer::Vote),
            Request::PreVote(vote) => said(self.raft.pre_vote(vote).await, Answer::Vote),
            Request::Transfer(transfer) => said(self.raft.handle_transfer_leader(transfer).await, Answer::Transfer),
            Request::Piece(piece) => self.piece(from, piece).await,
            Request::LastLog => Answer::LastLog(self.journal.last()),
            Request::Control(control) if self.knows(from) => self.serve(control).await,
            Request::Control(_) => Answer::Refused(format!("{from:016x} is no member of this cluster")),
        }
    }

    /// Whether somebody is a member, as far as this one knows.
    fn knows(&self, id: u64) -> bool {
        self.metrics.borrow_watched().membership_config.get_node(&id).is_some()
    }

    async fn append(&self, append: AppendEntriesRequest<Types>) -> Answer {
        let vote = append.vote;
        let answer = self.raft.append_entries(append).await;
        self.heard.note(&vote, &self.metrics.borrow_watched().vote);
        said(answer, Answer::Append)
    }

    async fn piece(&self, from: u64, piece: Piece) -> Answer {
        let (vote, meta) = (piece.vote, piece.meta.clone());
        let whole = match self.inbox.take_in(from, piece) {
            Ok(Some(whole)) => whole,
            Ok(None) => return Answer::Piece(None),
            Err(why) => return Answer::Refused(why),
        };
        if let Err(why) = Picture::decode(&whole) {
            return Answer::Refused(format!("the snapshot cannot be used: {why}"));
        }
        let committed = self.metrics.borrow_watched().local_committed;
        if meta.last_log_id > committed && meta.last_log_id.map(|id| id.index()) <= committed.map(|id| id.index()) {
            return Answer::Refused("the snapshot contradicts what is committed here".to_owned());
        }
        let snapshot = openraft::Snapshot { meta, snapshot: whole };
        self.heard.note(&vote, &self.metrics.borrow_watched().vote);
        said(self.raft.install_full_snapshot(vote, snapshot).await, |end| Answer::Piece(Some(end)))
    }
}

fn said<T, E: std::fmt::Display>(answer: Result<T, E>, say: impl FnOnce(T) -> Answer) -> Answer {
    answer.map_or_else(|error| Answer::Unknown(error.to_string()), say)
}

impl Inbox {
    /// Takes a piece in; gives the whole out with the last one.
    fn take_in(&self, from: u64, piece: Piece) -> Result<Option<Vec<u8>>, String> {
        let mut inbox = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if piece.total > PICTURE_LEN_MAX as u64 {
            return Err(format!("a snapshot of {} bytes; at most {PICTURE_LEN_MAX} are taken", piece.total));
        }
        let upto = piece.meta.last_log_id;
        if piece.offset == 0 {
            *inbox = Some(Arriving { from, upto, total: piece.total, bytes: Vec::new() });
        }
        let arriving = inbox.as_mut().filter(|it| (it.from, it.upto, it.total) == (from, upto, piece.total));
        let fits = |it: &&mut Arriving| {
            let len = it.bytes.len() as u64;
            piece.offset == len && !piece.bytes.is_empty() && piece.bytes.len() as u64 <= it.total - len
        };
        let Some(arriving) = arriving.filter(fits) else {
            *inbox = None;
            return Err("a piece of a snapshot that does not fit the pieces before".to_owned());
        };
        arriving.bytes.extend_from_slice(&piece.bytes);
        let whole = arriving.bytes.len() as u64 == arriving.total;
        Ok(if whole { inbox.take().map(|arriving| arriving.bytes) } else { None })
    }
}

/// Whether `from` may say this, and whether any member could.
fn proper(from: u64, request: &Request) -> Result<(), String> {
    match request {
        Request::Append(append) => {
            speaks_for(from, &append.vote, true)?;
            consecutive(append)
        }
        Request::Vote(ask) | Request::PreVote(ask) => {
            speaks_for(from, &ask.vote, false)?;
            not_after(ask.last_log_id, &ask.vote)
        }
        Request::Transfer(transfer) => speaks_for(from, transfer.from_leader(), true),
        Request::Piece(piece) => {
            speaks_for(from, &piece.vote, true)?;
            described(&piece.meta, &piece.vote)
        }
        Request::LastLog | Request::Control(_) => Ok(()),
    }
}

fn speaks_for(from: u64, vote: &Vote, leads: bool) -> Result<(), String> {
    let id = vote.leader_id;
    if id.node_id != from {
        return Err(format!("{from:016x} speaks for {:016x}", id.node_id));
    }
    if id.term > TERM_MAX || vote.committed != leads {
        return Err(format!("no member could send this in term {}", id.term));
    }
    Ok(())
}

fn not_after(id: Option<LogId>, vote: &Vote) -> Result<(), String> {
    let right = id.is_none_or(|id| *id.committed_leader_id() <= vote.leader_id && id.index() < u64::MAX);
    if right { Ok(()) } else { Err("an entry of a later term than the sender's".to_owned()) }
}

fn consecutive(append: &AppendEntriesRequest<Types>) -> Result<(), String> {
    not_after(append.prev_log_id, &append.vote)?;
    not_after(append.leader_commit, &append.vote)?;
    let mut before = append.prev_log_id;
    for entry in &append.entries {
        not_after(Some(entry.log_id), &append.vote)?;
        let next = before.map_or(0, |before| before.index() + 1);
        if entry.log_id.index() != next || before > Some(entry.log_id) {
            return Err("entries that do not follow each other".to_owned());
        }
        if let EntryPayload::Membership(members) = &entry.payload {
            sound(members)?;
        }
        before = Some(entry.log_id);
    }
    Ok(())
}

fn described(meta: &Meta, vote: &Vote) -> Result<(), String> {
    not_after(meta.last_log_id, vote)?;
    not_after(*meta.last_membership.log_id(), vote)?;
    if meta.last_log_id.is_none() {
        return Err("a snapshot of nothing".to_owned());
    }
    sound(meta.last_membership.membership())
}

fn sound(members: &Membership<u64, Peer>) -> Result<(), String> {
    let (sets, count) = (members.get_joint_config(), members.nodes().count());
    let named = sets.iter().flatten().all(|id| members.get_node(id).is_some());
    let own = members.nodes().all(|(id, peer)| *id == peer.id && peer.fits());
    let right = named && own && (1..=2).contains(&sets.len()) && sets.iter().all(|set| !set.is_empty());
    if right && count <= MEMBERS_MAX { Ok(()) } else { Err("members that cannot be".to_owned()) }
}
