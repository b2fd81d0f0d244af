//! What goes to the leader, from whichever node it is asked of; and the leader's part of it.
//!
//! A request is sent again only when it is certain that nothing was done. Whatever is in doubt stays in doubt.

use std::time::Duration;

use openraft::async_runtime::WatchReceiver;
use openraft::errors::{ClientWriteError, RaftError};
use openraft::{ReadPolicy, TryAsRef};
use tokio::time::{Instant, timeout_at};

use super::Inner;
use super::members::members_in;
use super::types::{Command, Types};
use super::wire::{Answer, Control, Lane, Request, decode, encode};

/// How long to wait for news of the leader before asking again.
const PAUSE: Duration = Duration::from_millis(5);

impl Inner {
    /// Who leads, as far as this node knows.
    pub(super) fn leader(&self) -> Option<u64> {
        self.metrics.borrow_watched().current_leader
    }

    /// Has the leader answer, wherever it is and whoever becomes it until `until`.
    pub(super) async fn lead(&self, control: Control, until: Instant) -> Answer {
        let mut last = match self.leader() {
            None => "no leader is known",
            Some(_) => "no majority of the voters answers",
        }
        .to_owned();
        loop {
            if let Some(reason) = self.failure() {
                return Answer::Unknown(reason);
            }
            let answer = timeout_at(until, self.lead_once(&control)).await;
            match answer {
                Ok(Answer::NotLeader(who)) => last = who.map_or(last, |who| format!("{who:016x} should lead")),
                // Nothing is changed by asking twice how far the log is.
                Ok(Answer::Unknown(why)) if matches!(control, Control::ReadIndex | Control::Members) => last = why,
                Ok(answer) => return answer,
                Err(_) => return Answer::Unknown(self.late(&last)),
            }
            if timeout_at(until, self.pause()).await.is_err() {
                return Answer::Unknown(self.late(&last));
            }
        }
    }

    fn late(&self, last: &str) -> String {
        format!("the raft store did not answer within {:?}: {last}", self.timeout)
    }

    /// Until the leader may be another, but not long.
    async fn pause(&self) {
        let mut metrics = self.metrics.clone();
        let before = metrics.borrow_watched().current_leader;
        let changed =
            async { while metrics.changed().await.is_ok() && metrics.borrow_watched().current_leader == before {} };
        // Too late is as good as in time: the leader may be the same and have come to itself.
        tokio::time::timeout(PAUSE, changed).await.unwrap_or(());
    }

    async fn lead_once(&self, control: &Control) -> Answer {
        match self.leader() {
            None => Answer::NotLeader(None),
            Some(id) if id == self.id => self.serve(control.clone()).await,
            Some(id) => self.ask(id, control).await,
        }
    }

    async fn ask(&self, leader: u64, control: &Control) -> Answer {
        let peer = self.metrics.borrow_watched().membership_config.get_node(&leader).cloned();
        let Some(peer) = peer else { return Answer::NotLeader(None) };
        let request = encode(&Request::Control(control.clone()));
        match self.wire.call(&peer, Lane::Control, request).await {
            Ok(bytes) => decode(&bytes).unwrap_or_else(|wrong| Answer::Unknown(wrong.0)),
            Err(error) => Answer::Unknown(format!("the leader {} did not answer: {error}", peer.name)),
        }
    }

    /// The leader's part. On another node: [`Answer::NotLeader`], and nothing was done.
    pub(super) async fn serve(&self, control: Control) -> Answer {
        match control {
            Control::Propose(command @ Command::Write { .. }) => self.propose(command).await,
            Control::Propose(_) => Answer::Refused("this is not done from afar".to_owned()),
            Control::ReadIndex => self.read_index().await,
            Control::Change(change) => self.change(change).await,
            Control::Members => {
                let metrics = self.metrics.borrow_watched();
                let leads = metrics.state.is_leader();
                if leads { Answer::Members(members_in(&metrics)) } else { Answer::NotLeader(metrics.current_leader) }
            }
        }
    }

    pub(super) async fn propose(&self, command: Command) -> Answer {
        let written = tokio::time::timeout(self.timeout, self.raft.client_write(command)).await;
        match written {
            Ok(Ok(written)) => Answer::Outcome(written.data),
            Ok(Err(error)) => Answer::of_write(error),
            Err(_) => Answer::Unknown(format!("no majority took the write on within {:?}", self.timeout)),
        }
    }

    async fn read_index(&self) -> Answer {
        match self.raft.get_read_linearizer(ReadPolicy::ReadIndex).await {
            Ok(linearizer) => Answer::ReadIndex(linearizer.read_log_id().index()),
            Err(RaftError::APIError(error)) => match error.try_as_ref() {
                Some(forward) => Answer::NotLeader(forward.leader_id),
                // What is left is that too few have answered, and with which entries is nobody's business.
                None => Answer::Unknown("no majority of the voters answers".to_owned()),
            },
            Err(RaftError::Fatal(fatal)) => Answer::Unknown(fatal.to_string()),
        }
    }
}

impl Answer {
    pub(super) fn of_write(error: RaftError<Types, ClientWriteError<Types>>) -> Answer {
        match error {
            RaftError::APIError(ClientWriteError::ForwardToLeader(forward)) => Answer::NotLeader(forward.leader_id),
            RaftError::APIError(ClientWriteError::ChangeMembershipError(error)) => Answer::Refused(error.to_string()),
            RaftError::APIError(
                error @ (ClientWriteError::LogEntryDiscarded(_) | ClientWriteError::PreconditionFailed(_)),
            ) => Answer::Unknown(error.to_string()),
            RaftError::Fatal(fatal) => Answer::Unknown(fatal.to_string()),
        }
    }

    /// What to tell a person who expected another answer.
    pub(super) fn why(self) -> String {
        match self {
            Answer::Refused(why) | Answer::Unknown(why) => why,
            Answer::NotLeader(_) => "no leader is known".to_owned(),
            Answer::Append(_)
            | Answer::Vote(_)
            | Answer::Transfer(_)
            | Answer::Piece(_)
            | Answer::Outcome(_)
            | Answer::ReadIndex(_)
            | Answer::LastLog(_)
            | Answer::Changed
            | Answer::Members(_) => "the leader answered another question".to_owned(),
        }
    }
}
