//! What a lock needs of the agent on its machine: the terms of a lease, the records of locks, and who holds which.
//!
//! It only carries: what may be written, and what it means, is the business of both ends.

use std::time::Duration;

use futures_util::{Stream, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use crate::client::{Client, lines};
use crate::error::Error;

/// `GET /api/lock/terms`: on what terms a lock of this machine holds its lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockTerms {
    /// The cluster's name.
    pub cluster: String,
    /// The node.
    pub node: String,
    /// The agent, as `host:port`.
    pub address: String,
    /// The node's region.
    pub region: String,
    /// The lease's timing, in nanoseconds and per cent.
    pub timing: LockTiming,
    /// Whether voters keep the leases, and not the store.
    pub voters: bool,
    /// Whether a command is held by the process tree even where there are cgroups.
    pub tree_only: bool,
    /// Who is to hear a guard's word, as `host:port`.
    pub peers: Vec<String>,
}

/// The parts of a lease's timing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockTiming {
    /// The ttl.
    pub ttl_ns: u64,
    /// Between renewals.
    pub renewal_ns: u64,
    /// What a call may take.
    pub store_timeout_ns: u64,
    /// What a kill may take.
    pub stop_budget_ns: u64,
    /// The bound on clock rates.
    pub epsilon_percent: u32,
}

/// A record of a lock, as `GET /api/lock/records` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRecord {
    /// `session/lock-…` or `group/lock.…`.
    pub key: String,
    /// Its version, from 1.
    pub version: u64,
    /// The write that made it, in hexadecimal.
    pub nonce: String,
    /// What it says; absent if it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Why it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

/// `PUT /api/lock/records/{kind}/{name}`: compare and swap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreWrite {
    /// The version it replaces; absent to create it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
    /// Names this attempt and no other, in hexadecimal.
    pub nonce: String,
    /// What it is to say.
    pub body: String,
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreWritten {
    /// It stands, at this version.
    Applied(u64),
    /// It does not and never will.
    Refused,
    /// Nobody knows; says why.
    Unknown(String),
}

/// A lock, as `GET /api/locks` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Its name.
    pub name: String,
    /// Its seats: one, unless it is shared.
    pub seats: Vec<LockSeat>,
    /// Who waits for it.
    pub waiting: Vec<LockParty>,
}

/// One seat of a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockSeat {
    /// From 0.
    pub seat: u32,
    /// The number of its newest holder: the fencing token.
    pub epoch: u64,
    /// Who holds it.
    pub holder: Option<LockParty>,
    /// Since when, RFC 3339, by the holder's wall clock. For people only.
    pub since: Option<String>,
}

/// One `hotseat lock`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockParty {
    /// The node it runs on.
    pub node: String,
    /// Its process there.
    pub pid: Option<u32>,
}

impl Client {
    /// On what terms a lock of this machine holds its lease.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn lock_terms(&self) -> Result<LockTerms, Error> {
        self.get("/api/lock/terms").await
    }

    /// All records of locks, within `limit`.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn lock_records(&self, limit: Duration) -> Result<Vec<StoredRecord>, Error> {
        let request = self.http.get(format!("{}/api/lock/records", self.base)).timeout(limit);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        self.read(response).await
    }

    /// Writes the record of a lock, within `limit`. After an error nobody knows what became of it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn write_lock_record(
        &self,
        key: &str,
        write: &StoreWrite,
        limit: Duration,
    ) -> Result<StoreWritten, Error> {
        let request = self.http.put(format!("{}/api/lock/records/{key}", self.base)).json(write).timeout(limit);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        self.read(response).await
    }

    /// Something for each time that a lock may have changed hands. Ends when the agent does.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn lock_changes(&self) -> Result<impl Stream<Item = ()> + use<>, Error> {
        Ok(self.lock_lines("changes").await?.map(drop))
    }

    /// What is heard of the leases of locks, as JSON, where voters keep them. Ends when the agent does.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn lock_votes(&self) -> Result<impl Stream<Item = String> + use<>, Error> {
        self.lock_lines("votes").await
    }

    /// Sends a renewal to the voters, within `limit`. Their answers come another way.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn renew_lock(&self, renewal: &impl Serialize, limit: Duration) -> Result<(), Error> {
        let request = self.http.post(format!("{}/api/lock/renew", self.base)).json(renewal).timeout(limit);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        self.read::<serde_json::Value>(response).await.map(drop)
    }

    async fn lock_lines(&self, of: &str) -> Result<impl Stream<Item = String> + use<>, Error> {
        let request = self.http.get(format!("{}/api/lock/{of}", self.base));
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(self.read::<serde_json::Value>(response).await.map_or_else(|error| error, |_| self.foreign()));
        }
        let chunks = response.bytes_stream().map_err(|_| ());
        Ok(lines(chunks).filter_map(|line| std::future::ready(line.strip_prefix("data:").map(str::to_owned))))
    }

    /// Every lock there is, held or not.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn locks(&self) -> Result<Vec<Lock>, Error> {
        self.get("/api/locks").await
    }

    fn foreign(&self) -> Error {
        Error::NotAnAgent(self.url().to_owned())
    }
}
