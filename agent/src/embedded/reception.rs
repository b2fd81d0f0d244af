//! What a member does with what other members send: votes go to the loop, errands of the log to the log, newcomers are
//! entered on the roll. It trusts the certificate's name of whoever asks, and nothing they say of themselves.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hotseat_core::{Input, NodeName, Question, VoterId};
use hotseat_stores::Store;
use hotseat_stores::raft::{self, Raft};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use super::enrol::{Denied, Entered, enter};
use super::roll::{Assembly, Member, Roll};
use super::steward::peer;
use super::votes::Vote;
use crate::driver::Message;
use crate::links::{Admission, Handler, JoinAsk, Lane, PeerName, Reply};
use crate::lock;

/// Peers that are remembered as heard. Only members get so far.
const HEARD_MAX: usize = 256;

/// What a member may be asked on the lane of control. The answer to `Here` is an [`Entered`].
#[derive(Serialize, Deserialize)]
pub(crate) enum Errand {
    /// For the log, as it says itself.
    Log(Vec<u8>),
    /// "I am here, at this address": from a member to whoever can write the roll.
    Here {
        /// Where it answers.
        address: String,
        /// It votes and never leads.
        witness: bool,
    },
}

/// See the module.
#[derive(Default)]
pub struct Reception {
    raft: OnceLock<Arc<Raft>>,
    inbox: OnceLock<mpsc::Sender<Message>>,
    assembly: OnceLock<watch::Receiver<Arc<Assembly>>>,
    /// The cluster's settings as this node has them, for who joins.
    config: Option<String>,
    /// Whom this node was told of when it joined.
    introduced: Vec<raft::Peer>,
    heard: Mutex<HashMap<u64, Instant>>,
    /// When somebody said last that it is cut off from the store.
    stranded: Mutex<HashMap<u64, Instant>>,
}

impl Reception {
    /// Hands out these settings to who joins.
    #[must_use]
    pub fn new(config: Option<String>, introduced: Vec<raft::Peer>) -> Self {
        Self { config, introduced, ..Self::default() }
    }

    /// The log is open.
    pub fn log(&self, raft: Arc<Raft>) {
        drop(self.raft.set(raft));
    }

    /// The loop runs, and the roll is read.
    pub fn open(&self, inbox: mpsc::Sender<Message>, assembly: watch::Receiver<Arc<Assembly>>) {
        drop(self.inbox.set(inbox));
        drop(self.assembly.set(assembly));
    }

    /// Since a member was last heard of.
    #[must_use]
    pub fn silent(&self, id: u64) -> Option<Duration> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).get(&id).map(Instant::elapsed)
    }

    /// Since a member said last that it is cut off from the store.
    #[must_use]
    pub fn stranded(&self, id: u64) -> Option<Duration> {
        self.stranded.lock().unwrap_or_else(PoisonError::into_inner).get(&id).map(Instant::elapsed)
    }

    fn hear(&self, id: u64) {
        note(&self.heard, id);
    }

    async fn enter(&self, id: u64, member: Member) -> Entered {
        let starting = || Denied::Later(String::from("this member is starting itself"));
        enter(self.raft.get().ok_or_else(starting)?, VoterId(id), &member).await
    }
}

/// Notes that something was heard of a member now.
fn note(times: &Mutex<HashMap<u64, Instant>>, id: u64) {
    let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
    if times.len() < HEARD_MAX || times.contains_key(&id) {
        times.insert(id, Instant::now());
    }
}

#[async_trait]
impl Handler for Reception {
    async fn request(&self, from: &PeerName, lane: Lane, request: Vec<u8>) -> Vec<u8> {
        self.hear(from.id);
        let Some(raft) = self.raft.get() else { return Vec::new() };
        match lane {
            Lane::Log | Lane::Bulk => raft.answer(from.id, &request).await,
            Lane::Votes => Vec::new(),
            Lane::Control => match postcard::from_bytes(&request) {
                Ok(Errand::Log(request)) => raft.answer(from.id, &request).await,
                Ok(Errand::Here { address, witness }) => {
                    let member = Member { name: from.name.to_string(), address, witness, removed: false };
                    let entered = self.enter(from.id, member).await;
                    postcard::to_stdvec(&entered).unwrap_or_default()
                }
                Err(_) => Vec::new(),
            },
        }
    }

    fn message(&self, from: &PeerName, message: Vec<u8>, _: &Reply) {
        self.hear(from.id);
        let (Some(inbox), Some(vote)) = (self.inbox.get(), Vote::decode(&message)) else { return };
        let id = VoterId(from.id);
        let input = match vote {
            // Nobody renews another's lease: only its own, and those of the locks on its machine.
            Vote::Asked(Question::Renew(renewal))
                if renewal.node != from.name && !lock::is_on(&renewal.node, from.name.as_str()) =>
            {
                return;
            }
            Vote::Asked(question) => Input::Asked(id, question),
            Vote::Answered(answer) => Input::Answered(id, answer),
            Vote::Stranded => return note(&self.stranded, from.id),
        };
        // A loop that is that far behind is helped by a lost vote.
        drop(inbox.try_send(Message::Input(input)));
    }

    async fn join(&self, ask: JoinAsk, remote: SocketAddr) -> Result<Admission, String> {
        let member =
            Member { name: ask.name.to_string(), address: ask.address.clone(), witness: ask.witness, removed: false };
        self.enter(ask.id, member).await.map_err(|why| why.to_string())?;
        tracing::info!("{} ({remote}) joins the cluster as {}", ask.name, ask.address);
        // Read from the log and not from what was read last: a newcomer that is told of nobody finds nobody.
        let entries = self.raft.get().ok_or("this member is starting itself")?.list().await;
        let roll = Roll::of(&entries.map_err(|error| error.to_string())?);
        let members = roll.present().filter(|(id, _)| id.0 != ask.id).filter_map(peer).collect();
        Ok(Admission { members, config: self.config.clone() })
    }

    fn known(&self, id: u64, name: &NodeName) -> bool {
        match self.assembly.get() {
            Some(assembly) => {
                let assembly = Arc::clone(&assembly.borrow());
                assembly.roll.present().any(|(it, member)| it.0 == id && member.name == name.as_str())
            }
            // While this node comes in, the others have to reach it, or it never gets to read the roll.
            None => {
                let logged = self.raft.get().map(|raft| raft.members()).unwrap_or_default();
                let mut peers = self.introduced.iter().chain(logged.iter().map(|member| &member.peer));
                peers.any(|peer| peer.id == id && peer.name == name.as_str())
            }
        }
    }
}
