//! How a cluster begins, empty or with the records of another; and how its records are saved.

use std::time::Duration;

use openraft::async_runtime::WatchReceiver;
use openraft::errors::{InitializeError, RaftError};
use tokio::time::Instant;

use super::Raft;
use super::Unchanged;
use super::open::alone;
use super::picture::Picture;
use super::types::{Command, Outcome, Peer, Saved};
use super::wire::Answer;
use crate::{Body, Key, Unavailable};

/// Records that are adopted with one entry of the log: an entry goes into one message.
const ADOPTED_LEN_MAX: usize = 512 * 1024;

/// How often to look whether the only voter leads.
const LOOK: Duration = Duration::from_millis(5);

impl Raft {
    /// Makes a new cluster of this one node. Once, on one node; the others are added to it.
    ///
    /// Interrupted by a crash, it may be called again.
    ///
    /// # Errors
    /// [`Unchanged::Refused`] if the folder is already a cluster's.
    pub async fn bootstrap(&self, name: &str, address: &str) -> Result<(), Unchanged> {
        self.found(name, address, Picture::default()).await
    }

    /// Makes a new cluster of this one node, with the records that [`Raft::save`] gave out. Their versions go on from
    /// the saved ones, and the cluster has an identity of its own. What `anew` gives for a record stands in its place,
    /// one version later: what was true of the old cluster's nodes is not true of the new one's.
    ///
    /// # Errors
    /// [`Unchanged::Refused`] if the folder is already a cluster's, or `saved` is damaged.
    pub async fn bootstrap_from(
        &self,
        name: &str,
        address: &str,
        saved: &[u8],
        anew: &(dyn Fn(&Key, &[u8]) -> Option<Body> + Sync),
    ) -> Result<(), Unchanged> {
        let refused = |why: String| Unchanged::Refused(format!("the saved cluster cannot be restored: {why}"));
        let mut picture = Picture::decode(saved).map_err(refused)?;
        for record in &mut picture.records {
            if let Some(body) = anew(&record.key, &record.body) {
                record.version += 1;
                record.nonce = nonce().map_err(refused)?;
                record.body = body;
            }
        }
        self.found(name, address, picture).await
    }

    /// All records as of now, as the body of a file: checksummed, of a form with a version (see `picture.rs`).
    ///
    /// # Errors
    /// [`Unavailable`], if no leader answers in time.
    pub async fn save(&self) -> Result<Vec<u8>, Unavailable> {
        self.0.level(Instant::now() + self.0.timeout).await?;
        let picture = self.0.desk.records().picture();
        Ok(picture.encode())
    }

    async fn found(&self, name: &str, address: &str, picture: Picture) -> Result<(), Unchanged> {
        let peer = Peer { id: self.0.id, name: name.to_owned(), address: address.to_owned() };
        if !peer.fits() {
            return Err(Unchanged::Refused("a member needs a name and a host:port of usual length".to_owned()));
        }
        self.begin(peer).await?;
        for records in batches(picture.records) {
            self.put(Command::Adopt(records)).await?;
        }
        self.put(Command::Found(incarnation()?)).await
    }

    /// The first entry of the log, and the only voter leads.
    async fn begin(&self, peer: Peer) -> Result<(), Unchanged> {
        match self.0.raft.initialize(alone(peer)).await {
            Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => {}
            Err(error) => return Err(Unchanged::Unknown(error.to_string())),
        }
        let until = Instant::now() + self.0.timeout;
        loop {
            let others = self.members().iter().any(|member| member.peer.id != self.0.id);
            if others || self.0.desk.records().identity().is_some() {
                return Err(founded());
            }
            if self.0.metrics.borrow_watched().state.is_leader() {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(Unchanged::Unknown("this node does not lead itself: call again".to_owned()));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn put(&self, command: Command) -> Result<(), Unchanged> {
        match self.0.propose(command).await {
            Answer::Outcome(Outcome::Done) => Ok(()),
            Answer::Outcome(_) => Err(founded()),
            other => Err(Unchanged::Unknown(other.why())),
        }
    }
}

fn founded() -> Unchanged {
    Unchanged::Refused("this data folder belongs to a cluster already: a new one needs an empty folder".to_owned())
}

/// A cluster's name for ever.
fn incarnation() -> Result<String, Unchanged> {
    nonce().map(|nonce| format!("{nonce:032x}")).map_err(Unchanged::Refused)
}

fn batches(records: Vec<Saved>) -> Vec<Vec<Saved>> {
    let (mut batches, mut len) = (Vec::new(), ADOPTED_LEN_MAX);
    for saved in records {
        let own = saved.key.as_str().len() + saved.body.len();
        if len + own > ADOPTED_LEN_MAX {
            batches.push(Vec::new());
            len = 0;
        }
        len += own;
        batches.last_mut().expect("the first record opens a batch").push(saved);
    }
    batches
}

/// A random number: names one attempt to write, or one cluster, and no other.
fn nonce() -> Result<u128, String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random bytes: {error}"))?;
    Ok(u128::from_le_bytes(bytes))
}
