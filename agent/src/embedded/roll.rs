//! The roll: who belongs to an embedded cluster, one record per incarnation of a disk, at `member/ID`.
//!
//! It is what people asked for; who votes follows from it, step by step (see `steward`). Records are never deleted:
//! an incarnation that was removed stays removed.

use std::collections::{BTreeMap, BTreeSet};

use hotseat_core::VoterId;
use hotseat_stores::{Body, Entry, Key};
use serde::{Deserialize, Serialize};

const PREFIX: &str = "member/";
/// The form of the record. A later one is refused, not guessed at.
const FORM: u32 = 1;

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its node's name.
    pub name: String,
    /// Where its agent answers, `host:port`.
    pub address: String,
    /// It votes and never leads.
    #[serde(default)]
    pub witness: bool,
    /// An operator has taken it out.
    #[serde(default)]
    pub removed: bool,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    hotseat: u32,
    member: Member,
}

/// Every member ever, by its disk's incarnation, with its record's version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roll(pub BTreeMap<VoterId, (u64, Member)>);

impl Roll {
    /// Reads it out of a listing. What cannot be read is nobody we could reach anyway.
    #[must_use]
    pub fn of(entries: &[Entry]) -> Self {
        Self(entries.iter().filter_map(read).collect())
    }

    /// Those that belong to the cluster now.
    pub fn present(&self) -> impl Iterator<Item = (VoterId, &Member)> {
        self.0.iter().filter(|(_, (_, member))| !member.removed).map(|(id, (_, member))| (*id, member))
    }

    /// The member of that name that belongs to the cluster now.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<(VoterId, &Member)> {
        self.present().find(|(_, member)| member.name == name)
    }

    /// Those that were taken out.
    pub fn removed(&self) -> impl Iterator<Item = VoterId> {
        self.0.iter().filter(|(_, (_, member))| member.removed).map(|(id, _)| *id)
    }
}

/// Who belongs to the cluster, and whose acknowledgements keep leases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assembly {
    /// Everybody.
    pub roll: Roll,
    /// The set of voters in force (B6).
    pub voters: BTreeSet<VoterId>,
}

/// Where a member's record stands.
#[must_use]
pub fn key(id: VoterId) -> Key {
    Key::parse(&format!("{PREFIX}{:016x}", id.0)).expect("hexadecimal digits make a key")
}

/// A member's record as it is written.
///
/// # Errors
/// When it is too big for a store.
pub fn body(member: &Member) -> Result<Body, String> {
    let envelope = Envelope { hotseat: FORM, member: member.clone() };
    let text = serde_json::to_vec(&envelope).map_err(|error| error.to_string())?;
    Body::new(text).map_err(|error| error.to_string())
}

/// A member, if that is what stands at the key.
#[must_use]
pub fn member(key: &Key, body: &[u8]) -> Option<Member> {
    identity(key)?;
    let envelope: Envelope = serde_json::from_slice(body).ok()?;
    (envelope.hotseat == FORM).then_some(envelope.member)
}

fn identity(key: &Key) -> Option<VoterId> {
    u64::from_str_radix(key.as_str().strip_prefix(PREFIX)?, 16).ok().map(VoterId)
}

fn read(entry: &Entry) -> Option<(VoterId, (u64, Member))> {
    let member = member(&entry.key, entry.body.as_ref().ok()?)?;
    Some((identity(&entry.key)?, (entry.version, member)))
}
