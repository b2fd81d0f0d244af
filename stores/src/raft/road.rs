//! openraft's calls to the other members, put on the wire.
//!
//! It retries nothing: openraft does. A snapshot goes in pieces, on a lane of its own.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use openraft::RaftMetrics;
use openraft::async_runtime::WatchReceiver;
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{RPCOption, RaftNetworkFactory, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest, TransferLeaderResponse,
    VoteRequest, VoteResponse,
};
use openraft::type_config::alias;

use super::types::{Peer, Types, Vote};
use super::wire::{Answer, Lane, Piece, Request, Wire, decode, encode};

/// How much of a snapshot goes into one message.
const PIECE_LEN: usize = 1024 * 1024;

type Failed = RPCError<Types>;
type Snapshot = alias::SnapshotOf<Types, Vec<u8>>;

/// Where the members' present addresses are read, once there is a log to read them from.
pub(super) type Book = Arc<OnceLock<alias::WatchReceiverOf<Types, RaftMetrics<Types>>>>;

/// Makes a road to each member.
pub(super) struct Roads {
    pub(super) wire: Arc<dyn Wire>,
    pub(super) book: Book,
    /// How long entries may be on their way, to the other's disk and back. openraft allows them one heartbeat, and sends all of
    /// them anew after that: on a line, or to a disk, that takes longer nothing would ever be acknowledged.
    pub(super) patience: Duration,
}

/// The road to one member.
pub(super) struct Road {
    wire: Arc<dyn Wire>,
    book: Book,
    /// As it was when the road was made; the book knows newer.
    peer: Peer,
    patience: Duration,
}

impl RaftNetworkFactory<Types> for Roads {
    type Network = Road;

    async fn new_client(&mut self, _: u64, peer: &Peer) -> Road {
        Road { wire: self.wire.clone(), book: self.book.clone(), peer: peer.clone(), patience: self.patience }
    }
}

impl Road {
    fn peer(&self) -> Peer {
        let known = self.book.get().and_then(|metrics| {
            let metrics = metrics.borrow_watched();
            metrics.membership_config.get_node(&self.peer.id).cloned()
        });
        known.unwrap_or_else(|| self.peer.clone())
    }

    async fn call(&self, lane: Lane, request: &Request, limit: Duration) -> Result<Answer, Failed> {
        let peer = self.peer();
        let called = tokio::time::timeout(limit, self.wire.call(&peer, lane, encode(request))).await;
        let bytes = match called {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => return Err(Unreachable::new(&error).into()),
            Err(_) => {
                return Err(NetworkError::from_string(format!("{} did not answer in {limit:?}", peer.name)).into());
            }
        };
        decode(&bytes).map_err(|wrong| NetworkError::from_string(format!("{} answered {}", peer.name, wrong.0)).into())
    }

    fn wrong(&self, answer: &Answer) -> Failed {
        let why = match answer {
            Answer::Refused(why) | Answer::Unknown(why) => why.as_str(),
            _ => "with the answer to another question",
        };
        NetworkError::from_string(format!("{} answered: {why}", self.peer.name)).into()
    }

    async fn vote_of(&self, request: &Request, limit: Duration) -> Result<VoteResponse<Types>, Failed> {
        match self.call(Lane::Log, request, limit).await? {
            Answer::Vote(answer) => Ok(answer),
            other => Err(self.wrong(&other)),
        }
    }

    async fn pieces(&self, vote: Vote, snapshot: Snapshot, limit: Duration) -> Result<SnapshotResponse<Types>, Failed> {
        let whole = snapshot.snapshot;
        for offset in (0..whole.len()).step_by(PIECE_LEN) {
            let bytes = whole[offset..whole.len().min(offset + PIECE_LEN)].to_vec();
            let (total, offset) = (whole.len() as u64, offset as u64);
            let piece = Piece { vote, meta: snapshot.meta.clone(), total, offset, bytes };
            match self.call(Lane::Bulk, &Request::Piece(piece), limit).await? {
                Answer::Piece(None) => {}
                Answer::Piece(Some(end)) => return Ok(end),
                other => return Err(self.wrong(&other)),
            }
        }
        Err(NetworkError::from_string(format!("{} took a whole snapshot and wants more", self.peer.name)).into())
    }
}

impl RaftNetworkV2<Types> for Road {
    type SnapshotData = Vec<u8>;

    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<Types>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<Types>, Failed> {
        let limit = option.hard_ttl().max(self.patience);
        match self.call(Lane::Log, &Request::Append(rpc), limit).await? {
            Answer::Append(answer) => Ok(answer),
            other => Err(self.wrong(&other)),
        }
    }

    async fn vote(&mut self, rpc: VoteRequest<Types>, option: RPCOption) -> Result<VoteResponse<Types>, Failed> {
        self.vote_of(&Request::Vote(rpc), option.hard_ttl()).await
    }

    async fn pre_vote(&mut self, rpc: VoteRequest<Types>, option: RPCOption) -> Result<VoteResponse<Types>, Failed> {
        self.vote_of(&Request::PreVote(rpc), option.hard_ttl()).await
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        tokio::select! {
            closed = cancel => Err(closed.into()),
            sent = self.pieces(vote, snapshot, option.hard_ttl()) => sent.map_err(StreamingError::from),
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<Types>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<Types>, Failed> {
        match self.call(Lane::Log, &Request::Transfer(request), option.hard_ttl()).await? {
            Answer::Transfer(answer) => Ok(answer),
            other => Err(self.wrong(&other)),
        }
    }
}
