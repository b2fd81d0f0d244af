//! The book of versions.

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
