//! Writes the roll: who comes onto it, and who is taken off. Whoever votes follows from it later (see `steward`).

use std::fmt;
use std::time::{Duration, Instant};

use hotseat_core::{SessionState, VoterId};
use hotseat_stores::raft::Raft;
use hotseat_stores::{Entry, Store, Written};
use serde::{Deserialize, Serialize};

use super::roll::{self, Member, Roll};
use super::steward::voters;
use crate::links::REMOVED;
use crate::{codec, random};

/// Tries to write the roll: others may be writing there too.
const TRIES: usize = 5;

/// For a roll that cannot be written now: the log may be electing.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// Why somebody is not on the roll, in words for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Denied {
    /// This incarnation was taken out: for good.
    Removed(String),
    /// Another member has its name or its address: an operator has to say which it is to be.
    Taken(String),
    /// Another member, or the same one later, may say otherwise.
    Later(String),
}

/// Why a member is still on the roll, in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stays {
    /// It cannot be taken off.
    Wrong(String),
    /// Nothing can be written now, or it is not known whether it was: ask again.
    Later(String),
}

impl From<String> for Stays {
    fn from(why: String) -> Self {
        Self::Later(why)
    }
}

/// What comes of wanting to be on the roll. It travels between members.
pub(crate) type Entered = Result<(), Denied>;

impl Denied {
    /// Whether no member would say otherwise, now or later.
    pub(crate) const fn is_final(&self) -> bool {
        match self {
            Self::Removed(_) | Self::Taken(_) => true,
            Self::Later(_) => false,
        }
    }
}

impl From<String> for Denied {
    fn from(why: String) -> Self {
        Self::Later(why)
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Removed(why) | Self::Taken(why) | Self::Later(why)) = self;
        f.write_str(why)
    }
}

/// Enters a member on the roll, or corrects its address. A name is given to another disk only
/// once an operator has taken the one before off the roll.
///
/// # Errors
/// Why not; what may pass by itself is waited for, for a while.
pub(crate) async fn enter(raft: &Raft, id: VoterId, member: &Member) -> Entered {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match enter_once(raft, id, member).await {
            Err(Denied::Later(_)) if Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
            entered => return entered,
        }
    }
}

async fn enter_once(raft: &Raft, id: VoterId, member: &Member) -> Entered {
    for _ in 0..TRIES {
        let entries = raft.list().await.map_err(|error| error.to_string())?;
        let roll = Roll::of(&entries);
        let known = roll.0.get(&id);
        if known.is_some_and(|(_, known)| known.removed) {
            let why = format!(
                "{} with the id {:x} {REMOVED}: clear its data_dir (rm -r DIR) and join anew",
                member.name, id.0
            );
            return Err(Denied::Removed(why));
        }
        if known.is_some_and(|(_, known)| known == member) {
            return Ok(());
        }
        if let Some((_, before)) = roll.named(&member.name).filter(|(old, _)| *old != id) {
            return Err(Denied::Taken(taken(&entries, &member.name, before)));
        }
        // Only of who is new: members may change their addresses with each other, one after the other.
        if known.is_none()
            && let Some((_, before)) = roll.present().find(|(_, it)| it.address == member.address)
        {
            return Err(Denied::Taken(shared(member, before)));
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
/// [`Stays`] says why.
pub async fn retire(raft: &Raft, name: &str) -> Result<(), Stays> {
    for _ in 0..TRIES {
        let entries = raft.list().await.map_err(|error| error.to_string())?;
        let roll = Roll::of(&entries);
        let Some((id, member)) = roll.named(name) else {
            if roll.0.values().any(|(_, member)| member.name == name) {
                // Asked again, because the first answer was lost.
                return Ok(());
            }
            let names: Vec<_> = roll.present().map(|(_, member)| member.name.as_str()).collect();
            return Err(Stays::Wrong(format!("no member \"{name}\"; there is: {}", names.join(", "))));
        };
        if roll.present().count() == 1 {
            return Err(Stays::Wrong(format!("{name} is the only member: stop it, and the cluster is gone")));
        }
        if votes_alone(&entries, &roll, id) {
            return Err(Stays::Wrong(format!(
                "{name} is the only one that votes: without it nothing could be decided any more. Wait until another \
                 member votes (hotseat members shows who), or stop {name}, and the cluster is gone"
            )));
        }
        let removed = Member { removed: true, ..member.clone() };
        if write(raft, id, roll.0.get(&id).map(|(version, _)| *version), &removed).await? {
            return Ok(());
        }
    }
    Err(Stays::Later(String::from("the roll is being written by many at once: try again")))
}

/// Those of these nodes that belong to the cluster.
///
/// # Errors
/// When the roll cannot be read now.
pub(crate) async fn belonging(raft: &Raft, names: impl Iterator<Item = &String>) -> Result<Vec<String>, String> {
    let roll = Roll::of(&raft.list().await.map_err(|error| error.to_string())?);
    Ok(names.filter(|name| roll.named(name).is_some()).cloned().collect())
}

/// Whether no voter would be left: those that are on their way out do not count.
fn votes_alone(entries: &[Entry], roll: &Roll, id: VoterId) -> bool {
    let voters = voters(entries).map(|(_, record)| record.voters).unwrap_or_default();
    voters.contains(&id) && !roll.present().any(|(other, _)| other != id && voters.contains(&other))
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
fn taken(entries: &[Entry], name: &str, before: &Member) -> String {
    let at = &before.address;
    if alive(entries, name) {
        return format!("this name is taken: \"{name}\" is alive at {at}. Names must be unique in a cluster");
    }
    format!(
        "this name is taken: \"{name}\" belongs to the member at {at}, which does not run now. If that one's disk is lost, \
         say so first, on a member: hotseat members remove {name}"
    )
}

/// Two nodes cannot answer at one address.
fn shared(member: &Member, before: &Member) -> String {
    format!(
        "the address {} is that of the member \"{}\": \"{}\" needs one of its own. If {1} is gone for good, say so first, \
         on a member: hotseat members remove {1}",
        member.address, before.name, member.name
    )
}

/// Whether a session of that name stands. One that cannot be read counts as held.
fn alive(entries: &[Entry], node: &str) -> bool {
    let key = format!("session/{node}");
    let entry = entries.iter().find(|entry| entry.key.as_str() == key);
    entry.is_some_and(|entry| codec::session(entry).is_none_or(|record| record.state == SessionState::Alive))
}
