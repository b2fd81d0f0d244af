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
pub(super) mod tests {
    use super::*;

    fn asked() -> Asked {
        Asked { who: "root".into(), reason: None, act: Some(7) }
    }

    fn version(number: u64, epoch: u64, pieces: Vec<Piece>) -> Version {
        Version {
            number,
            epoch,
            by: "n1".into(),
            at: String::new(),
            asked: None,
            of: None,
            files: 1,
            bytes: 1,
            changed: vec![],
            head: 1,
            pieces,
        }
    }

    /// Sends content of so many pieces that no version had before.
    fn send(book: Book, number: u64, pieces: usize, keep: usize) -> Book {
        let bytes: Vec<_> = (0..pieces).map(|at| format!("{number}.{at}").into_bytes()).collect();
        let mut book = book;
        loop {
            let Some(plan) = book.plan(&bytes) else {
                let (edits, epoch) = (book.edits, book.epoch);
                book = book.trim(edits, epoch).expect("nobody else writes");
                continue;
            };
            let (edits, epoch) = (book.edits, book.epoch);
            return book.add(version(number, epoch, plan.pieces), edits, keep).expect("nobody else writes");
        }
    }

    #[test]
    fn places_are_used_again_and_never_those_of_kept_versions() {
        let mut book = Book::new("b".into()).open(1).expect("the first");
        for number in 1..100 {
            book = send(book, number, PIECES_MAX, 20);
            assert_eq!(book.check(), Ok(()));
            let all: Vec<_> = book.versions.iter().flat_map(|it| &it.pieces).map(|piece| piece.place).collect();
            let different: BTreeSet<_> = all.iter().collect();
            assert_eq!(all.len(), different.len(), "two versions share a place, and not its content");
            assert_eq!(book.newest().map(|it| it.number), Some(number));
        }
        assert!(book.versions.len() > 1, "there is room for more than one");
    }

    #[test]
    fn what_has_not_changed_is_not_sent_again() {
        let book = send(Book::new("b".into()), 1, 3, 5);
        let same: Vec<_> = [b"1.0".to_vec(), b"new".to_vec(), b"1.2".to_vec()].into();
        let plan = book.plan(&same).expect("there is room");
        assert_eq!(plan.missing, [1]);
        assert_eq!(plan.pieces[0].place, book.versions[0].pieces[0].place);
    }

    #[test]
    fn an_old_leader_writes_nothing_once_a_new_one_has_opened_the_book() {
        let book = send(Book::new("b".into()).open(5).expect("the first"), 1, 1, 5);
        let (edits, opened) = (book.edits, book.open(6).expect("later"));
        let late = |refused: Result<Book, Refused>| assert_eq!(refused, Err(Refused::Late));
        late(opened.clone().add(version(2, 5, vec![]), edits, 5));
        late(opened.clone().open(5));
        late(opened.clone().trim(edits, 5));
        late(opened.answer(edits, 5));
    }

    #[test]
    fn what_was_planned_on_an_older_book_is_not_added() {
        let book = send(Book::new("b".into()), 1, 1, 5);
        let edits = book.edits;
        let book = book.ask(asked(), 0).expect("the same leadership");
        assert_eq!(book.clone().add(version(2, 0, vec![]), edits, 5), Err(Refused::Moved));
        let edits = book.edits;
        assert_eq!(book.clone().add(version(1, 0, vec![]), edits, 5), Err(Refused::Moved), "numbers only grow");
        assert_eq!(book.add(version(2, 0, vec![]), edits, 5).map(|book| book.asked), Ok(None));
    }

    #[test]
    fn what_one_leader_was_asked_for_is_not_sent_by_the_next() {
        let book = send(Book::new("b".into()).open(5).expect("the first"), 1, 1, 5);
        let asked_for = book.clone().ask(asked(), 5).expect("it leads");
        assert_eq!(asked_for.asked_of(5), Some(&asked()));
        assert_eq!(asked_for.clone().open(5).map(|book| book.asked), Ok(Some(asked())), "the same leadership");
        let next = asked_for.open(6).expect("later");
        assert_eq!((&next.asked, next.asked_of(6)), (&None, None));
        let answered = next.answered.clone().expect("whoever asked is told");
        assert!((answered.act, answered.ok) == (7, false) && answered.text.contains("epoch 5"), "{answered:?}");
        assert_eq!(next.clone().ask(asked(), 5), Err(Refused::Late), "who asks has not heard of the next leader");
        assert_eq!(next.ask(asked(), 6), Err(Refused::Late), "that act is over");
        // Before the leader has opened the book, another may be asked for what it has.
        assert_eq!(book.ask(asked(), 6).expect("it will lead").asked_of(5), None);
    }

    #[test]
    fn what_was_taken_back_is_not_sent() {
        let book = send(Book::new("b".into()), 1, 1, 5).ask(asked(), 0).expect("it leads");
        let back = book.clone().take_back(7, "enough".into()).expect("nothing was sent");
        assert_eq!((back.asked.clone(), back.answered.clone().map(|it| it.ok)), (None, Some(false)));
        assert_eq!(back.ask(asked(), 0), Err(Refused::Late), "who asked slowly comes too late");
        let other = book.clone().take_back(6, "enough".into()).expect("nothing was sent");
        assert_eq!(other.asked, Some(asked()), "another act is not touched");
        let edits = book.edits;
        let sent = Version { asked: Some(asked()), ..version(2, 0, vec![]) };
        let sent = book.add(sent, edits, 5).expect("nobody else writes");
        assert!(matches!(sent.clone().take_back(7, "enough".into()), Err(Refused::Wrong(_))), "it was sent");
        assert_eq!(sent.clone().ask(asked(), 0), Ok(sent), "and is not sent twice");
    }

    #[test]
    fn an_earlier_version_comes_back_as_a_new_one() {
        let book = send(send(Book::new("b".into()), 1, 1, 5), 2, 1, 5);
        let back = book.clone().roll_back(1, "n2", String::new(), asked()).expect("it is kept");
        let newest = back.newest().expect("the new one");
        assert_eq!((newest.number, newest.of), (3, Some(1)));
        assert_eq!(newest.pieces, book.versions[0].pieces);
        assert_eq!(back.versions.len(), 2, "as many as before");
        assert!(matches!(back.roll_back(1, "n2", String::new(), asked()), Err(Refused::Wrong(_))), "in force already");
        assert!(matches!(book.clone().roll_back(9, "n2", String::new(), asked()), Err(Refused::Wrong(_))));
        assert!(matches!(book.roll_back(2, "n2", String::new(), asked()), Err(Refused::Wrong(_))));
    }

    #[test]
    fn a_hostile_book_is_refused() {
        let piece = |place, size| Piece { place, digest: Digest::of(b""), size };
        let wrong = |versions: Vec<Version>| {
            assert!(Book { versions, ..Book::default() }.check().is_err());
        };
        wrong(vec![version(1, 1, vec![piece(PLACES, 1)])]);
        wrong(vec![version(1, 1, vec![piece(0, PIECE + 1)])]);
        wrong(vec![version(1, 1, vec![piece(0, 1); PIECES_MAX + 1])]);
        wrong(vec![version(2, 1, vec![]), version(1, 1, vec![])]);
        wrong((0..100).map(|number| version(number, 1, vec![])).collect());
    }
}
