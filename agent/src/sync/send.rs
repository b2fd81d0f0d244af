//! Versions on their way through the store: the leader writes the pieces, then the book; others read them back.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hotseat_core::GroupId;
use serde::{Deserialize, Serialize};

use super::book::{Book, Plan, Refused, Version};
use super::digest::Digest;
use super::pack::Pack;
use crate::config::Named;
use crate::random;
use crate::shelf::{Shelf, ShelfError};

/// Tries of sending one version, each over the book as somebody else has left it.
const TRIES: u32 = 5;

/// Where a group's book is.
pub(super) fn book_key(group: &GroupId) -> String {
    format!("sync/{group}")
}

fn piece_key(group: &GroupId, place: u32) -> String {
    format!("sync/{group}/{place}")
}

/// What stands at a place.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// The leadership it was written in: an earlier one does not write over it.
    epoch: u64,
    digest: Digest,
    data: String,
}

/// Why a version is not sent, or not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unsent {
    /// A later leader is at work: there is nothing left to do here.
    Late,
    /// Try again later; says why.
    Later(String),
    /// It stays like this until somebody changes something; says what.
    Wrong(String),
}

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late => f.write_str("a later leader has taken over"),
            Self::Later(why) | Self::Wrong(why) => f.write_str(why),
        }
    }
}

/// What this machine's own disk does not take.
impl From<String> for Unsent {
    fn from(why: String) -> Self {
        Self::Wrong(why)
    }
}

impl From<ShelfError> for Unsent {
    fn from(error: ShelfError) -> Self {
        match error {
            ShelfError::Unavailable(why) => Self::Later(why),
            ShelfError::Damaged(why) => Self::Wrong(why),
        }
    }
}

impl From<Refused> for Unsent {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Late => Self::Late,
            Refused::Moved => Self::Later(String::from("others write to the book of versions")),
            Refused::Wrong(why) => Self::Wrong(why),
        }
    }
}

/// One group's versions in the store.
#[derive(Clone)]
pub(super) struct Road {
    pub(super) shelf: Shelf,
    pub(super) group: GroupId,
}

impl Road {
    /// The book as it is now.
    pub(super) async fn book(&self) -> Result<Option<Book>, Unsent> {
        let found = self.shelf.read::<Book>(&book_key(&self.group)).await?;
        let Some(book) = found.map(|found| found.record) else { return Ok(None) };
        book.check().map_err(|why| Unsent::Wrong(format!("the book of versions: {why}")))?;
        Ok(Some(book))
    }

    /// Writes the book; it is made where there is none.
    pub(super) async fn write(&self, mut change: impl FnMut(Book) -> Result<Book, Refused>) -> Result<Book, Unsent> {
        let born = random::nonce().map_err(Unsent::Later)?.0;
        let changed = |book: Option<Book>| {
            let book = book.unwrap_or_else(|| Book::new(format!("{born:032x}")));
            book.check().map_err(Refused::Wrong)?;
            change(book).map(|book| (book.clone(), book))
        };
        Ok(self.shelf.update(&book_key(&self.group), changed).await??)
    }

    /// Puts a version in force after the newest of the book that was `seen`, and after no other, while the same is asked
    /// for: `version` makes it of the book and of where its pieces are.
    pub(super) async fn send(
        &self,
        pack: &Pack,
        epoch: u64,
        keep: usize,
        seen: &Book,
        version: impl Fn(&Book, usize, &Plan) -> Version,
    ) -> Result<Book, Unsent> {
        let cut = pack.cut().map_err(Unsent::Wrong)?;
        let mut last = Unsent::Later(String::from("there is no room for its pieces"));
        for _ in 0..TRIES {
            let book = match self.book().await? {
                Some(book) if book.epoch == epoch => book,
                Some(_) | None => self.write(|book| book.open(epoch)).await?,
            };
            let newest = |book: &Book| book.newest().map(|newest| newest.number);
            if newest(&book) != newest(seen) || book.asked_of(epoch) != seen.asked_of(epoch) {
                return Err(Unsent::Later(String::from("there is a newer version, or something else is asked for")));
            }
            let Some((book, plan)) = self.room(book, epoch, &cut.pieces).await? else { continue };
            for at in &plan.missing {
                self.put(epoch, plan.pieces[*at].place, &cut.pieces[*at]).await?;
            }
            let version = version(&book, cut.head, &plan);
            let edits = book.edits;
            match self.write(|book| book.add(version.clone(), edits, keep)).await {
                Err(Unsent::Later(why)) => last = Unsent::Later(why),
                sent => return sent,
            }
        }
        Err(last)
    }

    /// Where the pieces go; old versions are forgotten for them.
    async fn room(&self, mut book: Book, epoch: u64, pieces: &[Vec<u8>]) -> Result<Option<(Book, Plan)>, Unsent> {
        loop {
            if let Some(plan) = book.plan(pieces) {
                return Ok(Some((book, plan)));
            }
            if book.versions.len() <= 1 {
                return Ok(None);
            }
            let edits = book.edits;
            book = self.write(|book| book.trim(edits, epoch)).await?;
        }
    }

    async fn put(&self, epoch: u64, place: u32, bytes: &[u8]) -> Result<(), Unsent> {
        let (digest, data) = (Digest::of(bytes), STANDARD.encode(bytes));
        let replaced = |before: Option<Stored>| match before {
            Some(before) if before.epoch > epoch => Err(Refused::Late),
            Some(_) | None => Ok((Stored { epoch, digest, data: data.clone() }, ())),
        };
        Ok(self.shelf.update(&piece_key(&self.group, place), replaced).await??)
    }

    /// Reads a version back. What comes may be anything: it is checked before it is believed.
    pub(super) async fn fetch(&self, version: &Version, named: &[Named]) -> Result<Pack, Unsent> {
        let mut whole = Vec::new();
        for piece in &version.pieces {
            let key = piece_key(&self.group, piece.place);
            let stored = self.shelf.read::<Stored>(&key).await?.map(|found| found.record);
            let bytes = stored.and_then(|stored| STANDARD.decode(stored.data).ok());
            // It was used again for a later version, or will be there in a moment; or somebody has put it there.
            let bytes = bytes
                .filter(|bytes| Digest::of(bytes) == piece.digest)
                .ok_or_else(|| Unsent::Later(format!("{key} does not hold what version {} needs", version.number)))?;
            whole.extend_from_slice(&bytes);
        }
        Pack::join(&whole, version.head, named)
            .map_err(|why| Unsent::Wrong(format!("version {} is refused: {why}", version.number)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hotseat_stores::{Memory, Store};

    use super::super::book::Asked;
    use super::super::pack::PIECE;
    use super::super::pack::tests::pack;
    use super::*;

    fn road(store: &Arc<dyn Store>) -> Road {
        let group = GroupId::new("web").expect("a name");
        Road { shelf: Shelf::new(Arc::clone(store), "n1"), group }
    }

    fn named() -> Vec<Named> {
        vec![Named { name: "conf".into(), path: "conf".into() }]
    }

    async fn send(road: &Road, pack: &Pack, epoch: u64) -> Result<Book, Unsent> {
        let version = |book: &Book, head: usize, plan: &Plan| Version {
            number: book.newest().map_or(0, |it| it.number) + 1,
            epoch,
            by: "n1".into(),
            at: String::new(),
            asked: None,
            of: None,
            files: 0,
            bytes: 0,
            changed: vec![],
            head,
            pieces: plan.pieces.clone(),
        };
        let seen = road.book().await?.unwrap_or_default();
        road.send(pack, epoch, 3, &seen, version).await
    }

    #[tokio::test]
    async fn what_is_sent_is_fetched_for_ever_from_a_bounded_set_of_records() {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let road = road(&store);
        for number in 1..=40_u8 {
            let large = vec![number; PIECE * 5];
            let sent = pack(&[("conf/a", &[number]), ("conf/b", &large), ("conf/c", &large)]);
            let book = send(&road, &sent, 1).await.expect("memory answers");
            let newest = book.newest().expect("just sent");
            assert_eq!(newest.number, u64::from(number));
            for version in &book.versions {
                let fetched = road.fetch(version, &named()).await.expect("it is kept");
                assert_eq!(
                    fetched.files().next().map(|(_, content)| content.to_vec()),
                    Some(vec![version.number as u8])
                );
            }
        }
        let records = store.list().await.expect("memory answers").len();
        assert!(records <= 1 + super::super::book::PLACES as usize, "{records}");
    }

    #[tokio::test]
    async fn what_is_taken_back_meanwhile_is_not_sent() {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let road = road(&store);
        send(&road, &pack(&[("conf/a", b"1")]), 1).await.expect("memory answers");
        let asked = Asked { who: "root".into(), reason: None, act: Some(7) };
        let seen = road.write(|book| book.ask(asked.clone(), 1)).await.expect("memory answers");
        road.write(|book| book.take_back(7, "enough".into())).await.expect("memory answers");
        let version = |_: &Book, _: usize, _: &Plan| unreachable!("nobody asks for it any more");
        let sent = road.send(&pack(&[("conf/a", b"2")]), 1, 3, &seen, version).await;
        assert!(matches!(sent, Err(Unsent::Later(_))), "{sent:?}");
    }

    #[tokio::test]
    async fn an_old_leader_neither_sends_nor_spoils_what_a_new_one_has_sent() {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let road = road(&store);
        send(&road, &pack(&[("conf/a", b"old")]), 1).await.expect("memory answers");
        // The old leader has planned where its next pieces go, and hangs; the new one sends meanwhile.
        let stale = road.book().await.expect("memory answers").expect("it was made");
        let plan = stale.plan(&[b"late".to_vec()]).expect("there is room");
        let book = send(&road, &pack(&[("conf/a", b"new")]), 2).await.expect("memory answers");
        assert_eq!(road.put(1, plan.pieces[0].place, b"late").await, Err(Unsent::Late));
        assert_eq!(send(&road, &pack(&[("conf/a", b"late")]), 1).await, Err(Unsent::Late));
        let newest = book.newest().expect("just sent");
        let fetched = road.fetch(newest, &named()).await.expect("it is whole");
        assert_eq!(fetched, pack(&[("conf/a", b"new")]));
    }

    #[tokio::test]
    async fn a_piece_that_is_not_what_the_book_says_is_refused() {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let road = road(&store);
        let book = send(&road, &pack(&[("conf/a", b"a")]), 1).await.expect("memory answers");
        let newest = book.newest().expect("just sent").clone();
        road.put(1, newest.pieces[0].place, b"hostile").await.expect("memory answers");
        assert!(matches!(road.fetch(&newest, &named()).await, Err(Unsent::Later(_))));
        let elsewhere = send(&road, &pack(&[("/etc/passwd", b"x")]), 1).await.expect("memory answers");
        let newest = elsewhere.newest().expect("just sent");
        assert!(matches!(road.fetch(newest, &named()).await, Err(Unsent::Wrong(_))));
    }
}
