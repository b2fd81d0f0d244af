//! Each act, upon a group of three that n1 leads in epoch 4.

use super::*;

fn node(name: &str) -> NodeName {
    NodeName::new(name).expect("a plain name")
}

fn scene() -> Scene {
    let seen = |dead| Seen { mode: Mode::Auto, priority: 0, dead };
    let members = [("n1", None), ("n2", None), ("n3", Some(8))].map(|(name, dead)| (node(name), seen(dead)));
    Scene { group: "web".into(), epoch: 4, leader: Some(node("n1")), unrest: 0, members: members.into() }
}

fn asked() -> Asked {
    let at = String::from("2026-11-21T12:00:00Z");
    Asked { who: "ops".into(), via: "n2".into(), at, reason: Some("upgrade".into()) }
}

fn take(book: &mut Book, verb: &Verb) -> Result<Made, Objection> {
    change(book, verb, &scene(), &asked())
}

/// Its act, which has to be new.
fn new(book: &mut Book, verb: &Verb) -> Act {
    match take(book, verb) {
        Ok(Made::New(act)) => act,
        other => panic!("{verb:?}: {other:?}"),
    }
}

fn conflict(book: &mut Book, verb: &Verb, says: &str) {
    let before = book.clone();
    match take(book, verb) {
        Err(Objection::Conflict(why)) => assert!(why.contains(says), "{why}"),
        other => panic!("{verb:?}: {other:?}"),
    }
    assert_eq!(*book, before, "what is refused changes nothing");
}

fn switchover(to: Option<&str>, epoch: Option<u64>) -> Verb {
    Verb::Switchover { to: to.map(node), epoch }
}

#[test]
fn what_stands_already_is_not_done_twice() {
    let verbs = [
        Verb::Pause,
        Verb::Mode(node("n2"), Some(Mode::Backup)),
        Verb::Priority(node("n2"), Some(-3)),
        Verb::Pin(None),
        Verb::Remove(node("n3")),
    ];
    for verb in verbs {
        let mut book = Book::default();
        let act = new(&mut book, &verb);
        let after = book.clone();
        match take(&mut book, &verb) {
            Ok(Made::Already(Some(earlier))) => assert_eq!(earlier, act),
            Ok(Made::New(again)) => panic!("{verb:?} twice: {again:?}"),
            Ok(Made::Already(None)) | Err(_) => {}
        }
        assert_eq!(book, after, "{verb:?}");
    }
    for verb in [Verb::Resume, Verb::Unpin, Verb::Mode(node("n2"), None), Verb::Priority(node("n2"), None)] {
        assert_eq!(take(&mut Book::default(), &verb), Ok(Made::Already(None)), "{verb:?}");
    }
}

#[test]
fn what_was_there_before_is_remembered_until_it_is_taken_back() {
    let mut book = Book::default();
    new(&mut book, &Verb::Priority(node("n2"), Some(10)));
    new(&mut book, &Verb::Priority(node("n2"), Some(20)));
    let stands = book.stands("priority", Some(&node("n2"))).expect("it stands");
    assert_eq!((stands.value.as_deref(), stands.before.as_deref(), stands.act), (Some("20"), Some("0"), 2));
    assert_eq!(stands.reason.as_deref(), Some("upgrade"));
    new(&mut book, &Verb::Priority(node("n2"), None));
    assert_eq!(book.in_force, []);
    assert_eq!(book.order, Book::default().order);
}

#[test]
fn a_switchover_is_for_one_leadership_and_may_be_asked_for_again() {
    let mut book = Book::default();
    let act = new(&mut book, &switchover(Some("n2"), Some(4)));
    assert_eq!(act.outcome, None, "nobody knows yet");
    assert_eq!(book.pending().map(|(ordered, act)| (ordered.epoch.0, act.id)), Some((4, 1)));
    assert_eq!(take(&mut book, &switchover(Some("n2"), Some(4))), Ok(Made::Already(Some(act.clone()))));
    assert_eq!(take(&mut book, &switchover(Some("n2"), None)), Ok(Made::Already(Some(act))));
    conflict(&mut book, &switchover(None, None), "under way already: act 1");
    conflict(&mut book, &switchover(None, Some(3)), "has changed meanwhile: n1 leads, epoch 4");
    assert_eq!(take(&mut book, &switchover(Some("n1"), None)), Ok(Made::Already(None)), "it leads");
    assert!(matches!(take(&mut book, &switchover(Some("n9"), None)), Err(Objection::Unknown(_))));
    let newer = Scene { epoch: 3, ..scene() };
    let behind = change(&mut book, &switchover(None, None), &newer, &asked());
    assert!(matches!(behind, Err(Objection::Later(_))), "{behind:?}");
}

#[test]
fn what_stands_in_the_way_is_named() {
    let mut book = Book::default();
    new(&mut book, &Verb::Pause);
    conflict(&mut book, &switchover(None, None), "web is paused by ops: upgrade. First: hotseat resume --group web");
    new(&mut book, &Verb::Resume);
    new(&mut book, &Verb::Pin(None));
    conflict(&mut book, &switchover(Some("n2"), None), "pinned to n1 by ops");
    conflict(&mut book, &Verb::Remove(node("n2")), "n2 is alive");
    let nobody = Scene { leader: None, ..scene() };
    let refused = change(&mut Book::default(), &switchover(None, None), &nobody, &asked());
    assert_eq!(refused, Err(Objection::Conflict("nobody leads web at the moment".into())));
}

#[test]
fn who_leads_may_be_said_by_a_pin_or_a_mode() {
    for verb in [Verb::Pin(Some(node("n2"))), Verb::Mode(node("n1"), Some(Mode::Standby))] {
        let mut book = Book::default();
        let act = new(&mut book, &verb);
        assert_eq!(act.outcome, None, "it orders a change too");
        assert_eq!(book.pending().map(|(_, act)| act.id), Some(1));
        conflict(&mut book, &Verb::Mode(node("n2"), Some(Mode::Leader)), "under way already");
        let mut paused = Book::default();
        new(&mut paused, &Verb::Pause);
        let act = new(&mut paused, &verb);
        assert!(act.outcome.expect("known at once").text.contains("nothing moves before web is resumed"));
    }
}

#[test]
fn what_was_ordered_during_a_pause_comes_with_its_end() {
    let mut book = Book::default();
    new(&mut book, &Verb::Mode(node("n2"), Some(Mode::Standby)));
    new(&mut book, &Verb::Pause);
    assert!(new(&mut book, &Verb::Resume).outcome.is_some(), "what was ordered before stands, and moves nobody anew");
    new(&mut book, &Verb::Pause);
    new(&mut book, &Verb::Mode(node("n3"), Some(Mode::Leader)));
    new(&mut book, &Verb::Mode(node("n1"), Some(Mode::Standby)));
    let act = new(&mut book, &Verb::Resume);
    assert_eq!(act.outcome, None, "it orders a change too");
    let ordered = book.order.switchover.as_ref().expect("it is ordered");
    assert_eq!((ordered.act, ordered.epoch.0, ordered.to.as_ref()), (act.id, 4, Some(&node("n3"))));
}

#[test]
fn the_oldest_makes_room_and_never_what_is_open() {
    let mut book = Book::default();
    new(&mut book, &switchover(None, None));
    for priority in 1..=150 {
        new(&mut book, &Verb::Priority(node("n2"), Some(priority)));
    }
    assert_eq!(book.acts.len(), 100);
    assert_eq!(book.pending().map(|(_, act)| act.id), Some(1));
    assert_eq!(book.acts.last().map(|act| act.id), Some(151));
    assert!(serde_json::to_vec(&book).expect("it is JSON").len() < 100_000);
}
