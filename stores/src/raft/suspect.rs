//! A leader that is *known* to be gone is followed at once, not after the silence of an election.
//!
//! A wrong suspicion costs an election and nothing else: votes are counted as always.

use std::sync::Arc;
use std::time::Duration;

use openraft::async_runtime::WatchReceiver;
use openraft::raft::TransferLeaderRequest;
use tokio::task::JoinSet;
use tokio::time::{timeout, timeout_at};

use super::types::{LogId, Peer};
use super::wire::{Answer, Lane, Request, decode, encode};
use super::{Inner, Raft};

/// How long the survivors' logs are asked for: a round trip in one hall; who is further off is not waited for.
const ASK_TIME_MAX: Duration = Duration::from_millis(3);

/// How long the one who is to lead has, before the next one tries: two votes written to a busy disk.
const HEAD_START: Duration = Duration::from_millis(25);

/// After so many rounds the ordinary election is due anyway.
const ROUNDS_MAX: u32 = 4;

impl Raft {
    /// Somebody has proof that the process of the member `dead` is gone. If it led, its place is taken at once.
    ///
    /// Returns at once; must be called within a runtime. Every survivor should be told, in any order.
    pub fn suspect(&self, dead: u64) {
        let inner = self.0.clone();
        if dead != inner.id {
            tokio::spawn(async move { inner.succeed(dead).await });
        }
    }
}

impl Inner {
    /// Tries to have `dead` followed. Ends when another leads, or after [`ROUNDS_MAX`].
    async fn succeed(self: Arc<Inner>, dead: u64) {
        if self.leader() != Some(dead) || !self.votes() {
            return;
        }
        for _ in 0..ROUNDS_MAX {
            let place = self.place(dead).await;
            if place > 0 && self.followed(dead, HEAD_START * place).await {
                return;
            }
            self.stand().await;
            if self.followed(dead, HEAD_START).await {
                return;
            }
        }
    }

    fn votes(&self) -> bool {
        self.metrics.borrow_watched().membership_config.voter_ids().any(|voter| voter == self.id)
    }

    /// How many survivors should rather lead: those with a newer log, and of equals those with a greater id, which
    /// wins over a smaller one in the same term.
    async fn place(&self, dead: u64) -> u32 {
        let mine = (self.journal.last(), self.id);
        let others = self.survivors(dead).await;
        others.into_iter().filter(|other| *other > mine).count().try_into().unwrap_or(u32::MAX)
    }

    async fn survivors(&self, dead: u64) -> Vec<(Option<LogId>, u64)> {
        let mut asked = JoinSet::new();
        for peer in self.voters().into_iter().filter(|peer| peer.id != dead && peer.id != self.id) {
            let wire = self.wire.clone();
            asked.spawn(async move {
                let answer = wire.call(&peer, Lane::Log, encode(&Request::LastLog)).await.ok()?;
                let Ok(Answer::LastLog(last)) = decode(&answer) else { return None };
                Some((last, peer.id))
            });
        }
        let mut known = Vec::new();
        let until = tokio::time::Instant::now() + ASK_TIME_MAX;
        while let Ok(Some(answer)) = timeout_at(until, asked.join_next()).await {
            known.extend(answer.ok().flatten());
        }
        known
    }

    fn voters(&self) -> Vec<Peer> {
        let metrics = self.metrics.borrow_watched();
        let members = &metrics.membership_config;
        members.voter_ids().filter_map(|id| members.get_node(&id).cloned()).collect()
    }

    /// Stands for election. The others need not have waited out the old leader's lease: the request is marked as one
    /// that the old leader itself asked for, since it cannot object any more.
    async fn stand(&self) {
        let vote = self.metrics.borrow_watched().vote;
        let request = TransferLeaderRequest::new(vote, self.id, None);
        // Refused if the vote has just changed, and then somebody else stands.
        drop(self.raft.handle_transfer_leader(request).await);
    }

    async fn followed(&self, dead: u64, within: Duration) -> bool {
        let mut metrics = self.metrics.clone();
        let follows = async {
            while metrics.borrow_watched().current_leader.is_none_or(|leader| leader == dead) {
                if metrics.changed().await.is_err() {
                    return;
                }
            }
        };
        timeout(within, follows).await.is_ok()
    }
}
