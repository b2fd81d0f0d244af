//! What a member does with what other members send: votes go to the loop, errands of the log to the log, newcomers are
//! entered on the roll. It trusts the certificate's name of whoever asks, and nothing they say of themselves.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hotseat_core::{Input, NodeName, Question, VoterId};
use hotseat_stores::raft::Raft;
use hotseat_stores::{Store, Written};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use super::roll::{self, Assembly, Member, Roll};
use super::steward::peer;
use super::votes::Vote;
use crate::driver::Message;
use crate::links::{Admission, Handler, JoinAsk, Lane, PeerName, REMOVED, Reply};
use crate::lock;
use crate::random;

/// Tries to write the roll: others may be writing there too.
const TRIES: usize = 5;

/// For a roll that cannot be written now: the log may be electing.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// Peers that are remembered as heard. Only members get so far.
const HEARD_MAX: usize = 256;

/// What a member may be asked on the lane of control.
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

/// What comes back of [`Errand::Here`].
pub(crate) type Entered = Result<(), String>;

/// See the module.
#[derive(Default)]
pub struct Reception {
    raft: OnceLock<Arc<Raft>>,
    inbox: OnceLock<mpsc::Sender<Message>>,
    assembly: OnceLock<watch::Receiver<Arc<Assembly>>>,
    /// The cluster's settings as this node has them, for who joins.
    config: Option<String>,
    heard: Mutex<HashMap<u64, Instant>>,
}

impl Reception {
    /// Hands out these settings to who joins.
    #[must_use]
    pub fn new(config: Option<String>) -> Self {
        Self { config, ..Self::default() }
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

    fn hear(&self, id: u64) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.len() < HEARD_MAX || heard.contains_key(&id) {
            heard.insert(id, Instant::now());
        }
    }

    async fn enter(&self, id: u64, member: Member) -> Entered {
        let raft = self.raft.get().ok_or("this member is starting itself")?;
        enter(raft, VoterId(id), &member).await
    }
}

/// Enters a member on the roll, or corrects its address. An older incarnation of the same name that is gone leaves its
/// place to the new one: its disk was lost.
///
/// # Errors
/// Why not: the name is taken, the member was removed, or the log takes no writes now.
pub(crate) async fn enter(raft: &Raft, id: VoterId, member: &Member) -> Entered {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match enter_once(raft, id, member).await {
            Err(Denied::Later(_)) if Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
            Err(Denied::Later(why) | Denied::Never(why)) => return Err(why),
            Ok(()) => return Ok(()),
        }
    }
}

/// Why somebody is not on the roll.
enum Denied {
    Never(String),
    Later(String),
}

impl From<String> for Denied {
    fn from(why: String) -> Self {
        Self::Later(why)
    }
}

async fn enter_once(raft: &Raft, id: VoterId, member: &Member) -> Result<(), Denied> {
    for _ in 0..TRIES {
        let entries = raft.list().await.map_err(|error| error.to_string())?;
        let roll = Roll::of(&entries);
        let known = roll.0.get(&id);
        if known.is_some_and(|(_, known)| known.removed) {
            let why = format!("{} with the id {:x} {REMOVED}: clear its data_dir and join anew", member.name, id.0);
            return Err(Denied::Never(why));
        }
        if known.is_some_and(|(_, known)| known == member) {
            return Ok(());
        }
        if let Some((_, before)) = roll.named(&member.name).filter(|(old, _)| *old != id) {
            return Err(Denied::Never(taken(&entries, &member.name, before)));
        }
        if write(raft, id, known.map(|(version, _)| *version), member).await? {
            return Ok(());
        }
    }
    Err(Denied::Later(String::from("the roll is being written by many at once: try again")))
}

/// Takes a member off the roll, for good; the steward sees to the rest.
///
/// # Errors
/// Why not: no such member, the last one, or the log takes no writes now.
pub async fn retire(raft: &Raft, name: &str) -> Result<(), String> {
    for _ in 0..TRIES {
        let roll = Roll::of(&raft.list().await.map_err(|error| error.to_string())?);
        let Some((id, member)) = roll.named(name) else {
            let names: Vec<_> = roll.present().map(|(_, member)| member.name.as_str()).collect();
            return Err(format!("no member \"{name}\"; there is: {}", names.join(", ")));
        };
        if roll.present().count() == 1 {
            return Err(format!("{name} is the only member: stop it, and the cluster is gone"));
        }
        let removed = Member { removed: true, ..member.clone() };
        if write(raft, id, roll.0.get(&id).map(|(version, _)| *version), &removed).await? {
            return Ok(());
        }
    }
    Err(String::from("the roll is being written by many at once: try again"))
}

/// Says whether it was written; not, if somebody else was faster.
pub(super) async fn write(raft: &Raft, id: VoterId, over: Option<u64>, member: &Member) -> Result<bool, String> {
    match raft.write(&roll::key(id), over, random::nonce()?.0, roll::body(member)?).await {
        Written::Applied { .. } => Ok(true),
        Written::Refused => Ok(false),
        Written::Unknown(why) => Err(why),
    }
}

/// A name is given to another disk only once an operator has said that the old one is gone.
fn taken(entries: &[hotseat_stores::Entry], name: &str, before: &Member) -> String {
    let at = &before.address;
    if alive(entries, name) {
        return format!("this name is taken: \"{name}\" is alive at {at}. Names must be unique in a cluster");
    }
    format!(
        "this name is taken: \"{name}\" belongs to the member at {at}, which does not run now. If that one's disk is lost, \
         say so first, on a member: hotseat members remove {name}"
    )
}

fn alive(entries: &[hotseat_stores::Entry], node: &str) -> bool {
    let key = format!("session/{node}");
    let entry = entries.iter().find(|entry| entry.key.as_str() == key);
    let record = entry.map(|entry| {
        let key = entry.key.as_str().parse().ok()?;
        Some(crate::codec::decode(&key, 0, entry.body.as_ref().ok()?).ok()?.record)
    });
    match record {
        None => false,
        Some(Some(hotseat_core::Record::Session(record))) => record.state == hotseat_core::SessionState::Alive,
        // It cannot be read: held.
        Some(_) => true,
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
        };
        // A loop that is that far behind is helped by a lost vote.
        drop(inbox.try_send(Message::Input(input)));
    }

    async fn join(&self, ask: JoinAsk, remote: SocketAddr) -> Result<Admission, String> {
        let member =
            Member { name: ask.name.to_string(), address: ask.address.clone(), witness: ask.witness, removed: false };
        self.enter(ask.id, member).await?;
        tracing::info!("{} ({remote}) joins the cluster as {}", ask.name, ask.address);
        let assembly = self.assembly.get().map(|it| Arc::clone(&it.borrow())).unwrap_or_default();
        let members = assembly.roll.present().filter(|(id, _)| id.0 != ask.id).filter_map(peer).collect();
        Ok(Admission { members, config: self.config.clone() })
    }

    fn known(&self, id: u64, name: &NodeName) -> bool {
        let assembly = self.assembly.get().map(|it| Arc::clone(&it.borrow())).unwrap_or_default();
        assembly.roll.present().any(|(it, member)| it.0 == id && member.name == name.as_str())
    }
}
