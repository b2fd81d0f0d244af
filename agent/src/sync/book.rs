//! The record `sync/GROUP`: the versions of a group's files, and where their pieces are. Only a value: it reads nothing.
//!
//! Who leads opens the book with its epoch; whoever led before is refused from then on. Places for pieces are few, and
//! used again: one that a version in the book refers to is never written.

use std::collections::BTreeSet;

use hotseat_client::Act;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::pack::{PIECE, PIECES_MAX};

/// Places for pieces: one version as large as can be is in force while another is sent.
pub(super) const PLACES: u32 = 64;
const _: () = assert!(PLACES as usize >= 2 * PIECES_MAX, "a version must fit beside the one in force");
/// More than may be configured, of any node.
const VERSIONS_MAX: usize = 64;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Book {
    /// Which book this is: numbers of versions are its own.
    pub(super) born: String,
    /// Counts what is written to it: whoever has read it knows whether that is still all.
    pub(super) edits: u64,
    /// The newest leadership that has opened it.
    pub(super) epoch: u64,
    /// Somebody wants the leader to send what it has, differences and all.
    pub(super) asked: Option<Asked>,
    /// The leadership that is asked: whoever leads in another has files that nobody spoke of.
    #[serde(default)]
    pub(super) asked_in: u64,
    /// What came of the newest act that no version came of.
    #[serde(default)]
    pub(super) answered: Option<Answered>,
    /// Oldest first; the last one is in force.
    pub(super) versions: Vec<Version>,
}

/// Who asked, and why: the act of that number says more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) who: String,
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) act: Option<u64>,
}

/// What came of an act that asked, where no version did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) act: u64,
    pub(super) ok: bool,
    pub(super) text: String,
}

/// One version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) number: u64,
    pub(super) epoch: u64,
    pub(super) by: String,
    pub(super) at: String,
    pub(super) asked: Option<Asked>,
    /// The version that it brings back.
    pub(super) of: Option<u64>,
    pub(super) files: u64,
    pub(super) bytes: u64,
    /// Some of what changed, in words.
    pub(super) changed: Vec<String>,
    /// How many bytes of the pieces are the list of files.
    pub(super) head: usize,
    pub(super) pieces: Vec<Piece>,
}

/// Where a piece is, and what it has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) place: u32,
    pub(super) digest: Digest,
    pub(super) size: usize,
}

/// Why the book was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// A later leader has opened it: stop.
    Late,
    /// Somebody else has written since it was read: read it again.
    Moved,
    /// It makes no sense; says why.
    Wrong(String),
}

/// Where the pieces of a version go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) pieces: Vec<Piece>,
    /// Which of them have to be written: the others are there.
    pub(super) missing: Vec<usize>,
}

impl Asked {
    /// As that act says.
    pub(super) fn by(act: &Act) -> Self {
        Self { who: act.who.clone(), reason: act.reason.clone(), act: Some(act.id) }
    }
}

impl Book {
    /// A book without versions.
    pub(super) fn new(born: String) -> Self {
        Self { born, ..Self::default() }
    }

    /// The version in force.
    pub(super) fn newest(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// The version of this number.
    pub(super) fn version(&self, number: u64) -> Option<&Version> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// Whether it can be believed: it is a record that others write.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.versions.len() > VERSIONS_MAX || !self.versions.is_sorted_by(|a, b| a.number < b.number) {
            return Err(String::from("its versions are too many or out of order"));
        }
        let fits = |piece: &Piece| piece.place < PLACES && piece.size <= PIECE;
        let good = |version: &Version| version.pieces.len() <= PIECES_MAX && version.pieces.iter().all(fits);
        match self.versions.iter().find(|version| !good(version)) {
            Some(version) => {
                Err(format!("the pieces of version {} are too many, too large or nowhere", version.number))
            }
            None => Ok(()),
        }
    }

    /// A leader begins: nobody of an earlier epoch writes any more.
    pub(super) fn open(mut self, epoch: u64) -> Result<Self, Refused> {
        if epoch < self.epoch {
            return Err(Refused::Late);
        }
        self.epoch = epoch;
        if self.asked.is_some() && self.asked_in != epoch {
            self.let_go_of(
                false,
                format!("epoch {}, in which it was asked for, is over: nothing was sent", self.asked_in),
            );
        }
        Ok(self.edited())
    }

    /// Who asked that what the leader of this epoch has be sent.
    pub(super) fn asked_of(&self, epoch: u64) -> Option<&Asked> {
        self.asked.as_ref().filter(|_| self.asked_in == epoch)
    }

    /// Where these pieces go; none if there is too little room beside the versions that are kept.
    pub(super) fn plan(&self, pieces: &[Vec<u8>]) -> Option<Plan> {
        let kept = || self.versions.iter().flat_map(|version| &version.pieces);
        let taken: BTreeSet<u32> = kept().map(|piece| piece.place).collect();
        let mut free = (0..PLACES).filter(|place| !taken.contains(place));
        let mut plan = Plan { pieces: Vec::new(), missing: Vec::new() };
        for (at, bytes) in pieces.iter().enumerate() {
            let digest = Digest::of(bytes);
            // Only what a version refers to is known to stay as it is.
            let there = kept().find(|piece| piece.digest == digest);
            let place = match there {
                Some(piece) => piece.place,
                None => {
                    plan.missing.push(at);
                    free.next()?
                }
            };
            plan.pieces.push(Piece { place, digest, size: bytes.len() });
        }
        Some(plan)
    }

    /// Forgets the oldest version, to make room; never the one in force.
    pub(super) fn trim(self, edits: u64, epoch: u64) -> Result<Self, Refused> {
        let mut book = self.unmoved(edits, epoch)?;
        if book.versions.len() > 1 {
            book.versions.remove(0);
        }
        Ok(book.edited())
    }

    /// Puts a version in force, keeping so many. `edits` is what the book had when the pieces were planned.
    pub(super) fn add(self, version: Version, edits: u64, keep: usize) -> Result<Self, Refused> {
        let mut book = self.unmoved(edits, version.epoch)?;
        if book.newest().is_some_and(|newest| newest.number >= version.number) {
            return Err(Refused::Moved);
        }
        book.asked = None;
        book.push(version, keep);
        Ok(book.edited())
    }

    /// Brings an earlier version back, as a new one.
    pub(super) fn roll_back(mut self, to: u64, by: &str, at: String, asked: Asked) -> Result<Self, Refused> {
        let (Some(earlier), Some(newest)) = (self.version(to), self.newest()) else {
            return Err(Refused::Wrong(self.no_version(to)));
        };
        if newest.number == to || newest.of == Some(to) {
            return Err(Refused::Wrong(format!("version {to} is in force already")));
        }
        let version = Version {
            number: newest.number + 1,
            epoch: self.epoch,
            by: by.to_owned(),
            at,
            asked: Some(asked),
            of: Some(to),
            changed: vec![format!("everything as in version {to}")],
            ..earlier.clone()
        };
        // It was kept until now: nothing has to go for it.
        let keep = self.versions.len();
        self.asked = None;
        self.push(version, keep.max(2));
        Ok(self.edited())
    }

    fn no_version(&self, to: u64) -> String {
        let known: Vec<_> = self.versions.iter().map(|version| version.number.to_string()).collect();
        let known = if known.is_empty() {
            String::from("there is none yet")
        } else {
            format!("there is: {}", known.join(", "))
        };
        format!("no version {to} is kept; {known}")
    }

    /// Somebody wants to have sent what the leader of this epoch has: once, however often the same act asks for it.
    pub(super) fn ask(mut self, asked: Asked, epoch: u64) -> Result<Self, Refused> {
        let settled = self.answered.as_ref().is_some_and(|answered| Some(answered.act) >= asked.act);
        if epoch < self.epoch || settled {
            return Err(Refused::Late);
        }
        if asked.act.is_some_and(|act| self.sent_by(act).is_some()) {
            return Ok(self);
        }
        (self.asked, self.asked_in) = (Some(asked), epoch);
        Ok(self.edited())
    }

    /// What this act asks for is not to be sent any more, whenever it is asked.
    pub(super) fn take_back(mut self, act: u64, why: String) -> Result<Self, Refused> {
        if let Some(version) = self.sent_by(act) {
            return Err(Refused::Wrong(format!("version {} has been sent for it", version.number)));
        }
        if self.asked.as_ref().is_some_and(|asked| asked.act == Some(act)) {
            self.asked = None;
        }
        if self.answered.as_ref().is_none_or(|answered| answered.act < act) {
            self.answered = Some(Answered { act, ok: false, text: why });
        }
        Ok(self.edited())
    }

    /// The version that came of an act.
    pub(super) fn sent_by(&self, act: u64) -> Option<&Version> {
        self.versions.iter().find(|version| version.asked.as_ref().is_some_and(|asked| asked.act == Some(act)))
    }

    fn let_go_of(&mut self, ok: bool, text: String) {
        let act = self.asked.take().and_then(|asked| asked.act);
        self.answered = act.map(|act| Answered { act, ok, text }).or(self.answered.take());
    }

    /// There was nothing to send.
    pub(super) fn answer(self, edits: u64, epoch: u64) -> Result<Self, Refused> {
        let mut book = self.unmoved(edits, epoch)?;
        book.let_go_of(true, String::from("there was nothing to send"));
        Ok(book.edited())
    }

    fn unmoved(self, edits: u64, epoch: u64) -> Result<Self, Refused> {
        if epoch < self.epoch {
            return Err(Refused::Late);
        }
        if edits == self.edits { Ok(self) } else { Err(Refused::Moved) }
    }

    fn push(&mut self, version: Version, keep: usize) {
        self.versions.push(version);
        let extra = self.versions.len().saturating_sub(keep.max(1));
        self.versions.drain(..extra);
    }

    fn edited(mut self) -> Self {
        self.edits += 1;
        self
    }
}

#[cfg(test)]
pub(super) mod tests;
