//! The log as a [`Store`].

use async_trait::async_trait;
use tokio::time::{Instant, timeout_at};

use super::types::{Command, Outcome};
use super::wire::{Answer, Control};
use super::{Inner, Raft};
use crate::{Body, Entry, Hints, Key, Store, Unavailable, Written};

#[async_trait]
impl Store for Raft {
    fn kind(&self) -> &str {
        "raft"
    }

    /// The cluster's incarnation: made when it was founded or restored. Known once this node has caught up.
    fn identity(&self) -> Option<String> {
        self.0.desk.records().identity()
    }

    fn single_point_of_failure(&self) -> Option<String> {
        let voters = self.members().iter().filter(|member| member.voter).count();
        if voters == 1 { self.cannot_survive() } else { None }
    }

    /// What this node has applied: without a call to anybody, and so without a promise that it is the newest. Before it
    /// has caught up with a leader once, there is nothing worth telling.
    async fn list(&self) -> Result<Vec<Entry>, Unavailable> {
        self.0.usable()?;
        Ok(self.0.desk.records().list())
    }

    /// As of now: the leader says how far the log is, this node applies it so far, then looks.
    async fn read(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        let until = Instant::now() + self.0.timeout;
        self.0.level(until).await?;
        Ok(self.0.desk.records().get(key))
    }

    async fn write(&self, key: &Key, expect: Option<u64>, nonce: u128, body: Body) -> Written {
        let command = Command::Write { key: key.clone(), expect, nonce, body };
        match self.0.lead(Control::Propose(command), Instant::now() + self.0.timeout).await {
            Answer::Outcome(Outcome::Applied(version)) => Written::Applied { version },
            Answer::Outcome(Outcome::Refused) => Written::Refused,
            other => Written::Unknown(other.why()),
        }
    }

    fn watch(&self) -> Hints {
        self.0.desk.changes.hints()
    }
}

impl Inner {
    /// Whether what was applied here may be shown.
    fn usable(&self) -> Result<(), Unavailable> {
        if let Some(reason) = self.failure() {
            return Err(Unavailable(reason));
        }
        let caught_up = self.caught_up.load(std::sync::atomic::Ordering::Acquire);
        if !caught_up || self.desk.records().identity().is_none() {
            return Err(Unavailable("this node has not caught up with the cluster yet".to_owned()));
        }
        Ok(())
    }

    /// Brings what is applied here up to this moment.
    pub(super) async fn level(&self, until: Instant) -> Result<(), Unavailable> {
        let index = match self.lead(Control::ReadIndex, until).await {
            Answer::ReadIndex(index) => index,
            other => return Err(Unavailable(other.why())),
        };
        let mut hints = self.desk.changes.hints();
        while self.desk.records().applied().is_none_or(|applied| applied.index() < index) {
            if timeout_at(until, hints.next()).await.is_err() {
                return Err(Unavailable(format!("this node lags: it has not applied entry {index} yet")));
            }
        }
        if self.desk.records().identity().is_none() {
            return Err(Unavailable("the cluster is not founded yet".to_owned()));
        }
        Ok(())
    }
}
