//! Notes in, pages out: each case as a person would tell it.

use std::time::{Duration, SystemTime};

use hotseat_core::{Candidate, Demise, Epoch, Heard, Promise, SessionState};

use super::*;
use crate::ledger::note::What;
use crate::proxy::Change;

fn name(node: &str) -> NodeName {
    NodeName::new(node).expect("a name")
}

fn note(ms: u64) -> Note {
    let what = What::Over(String::new());
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + Duration::from_millis(ms);
    Note { at: time(ms), wall, what }
}

/// An hour after boot.
fn time(ms: u64) -> Instant {
    Instant::from_nanos((3_600_000 + ms) * 1_000_000)
}

fn candidate(node: &str, priority: i64, hot: bool) -> (NodeName, Result<Candidate, String>) {
    let version = String::from("0.1.0");
    (name(node), Ok(Candidate { node: name(node), avoided: false, priority, hot, fresh: 0, version }))
}

fn field(next: Option<&str>) -> Field {
    let dead = (name("n1"), Err(String::from("n1 is not alive")));
    Field {
        next: next.map(name),
        paused: false,
        members: vec![dead, candidate("n2", 5, true), candidate("n3", 0, true)],
    }
}

fn heard(ms: u64) -> Heard {
    let promise = Promise { ttl_ns: 2_000_000_000, epsilon_percent: 10 };
    Heard { at: Some(time(ms)), promise, address: "10.0.0.1:7700".into(), grounds: None, demise: None }
}

/// n2, after it has seen n1 lead in epoch 4.
fn second() -> Chronicle {
    let mut it = Chronicle::new(name("n2"));
    it.moment(&note(0), &Moment::Led(name("n1"), Epoch(4), Reason::First));
    it.moment(&note(0), &Moment::Serves);
    it
}

/// Claims epoch 5 at `ms`, and is announced 30 ms later.
fn takes_over(it: &mut Chronicle, ms: u64, reason: &Reason, next: Option<&str>) -> Vec<Page> {
    let mut pages = Vec::new();
    let moments = [
        (0, Moment::Claim(Epoch(5), field(next))),
        (10, Moment::Led(name("n2"), Epoch(5), reason.clone())),
        (29, Moment::Ready(Epoch(5))),
        (30, Moment::Announced(Epoch(5))),
        (31, Moment::Serves),
    ];
    for (after, moment) in moments {
        pages.extend(it.moment(&note(ms + after), &moment));
    }
    pages
}

fn shown(phases: &[Phase]) -> String {
    let phase = |it: &Phase| format!("{} {}", it.name, it.at_ms.map_or("?".into(), |at| at.to_string()));
    phases.iter().map(phase).collect::<Vec<_>>().join(", ")
}

fn began(pages: &[Page]) -> &Leadership {
    match pages {
        [Page::Began(it)] => it,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_silent_leader_is_taken_over_from() {
    let mut it = second();
    it.sign(&note(2000), &Sign::Doubted);
    it.sign(&note(3200), &Sign::Ending(SessionState::Expired));
    it.sign(&note(3210), &Sign::Ended(SessionState::Expired, Some(heard(1000))));
    let pages = takes_over(&mut it, 3210, &Reason::Silent, None);
    let page = began(&pages);
    let expected = "last-renewal 0, doubt 1000, deadline 1800, ending 2200, ended 2210, claim 2210, claimed 2220, \
                    ready 2239, announced 2240";
    assert_eq!(shown(&page.phases), expected);
    assert_eq!((page.outage_ms, page.from.as_deref(), page.planned), (Some(2240), Some("n1"), false));
    assert!(page.cause.contains("no message from n1 (10.0.0.1:7700) since 2027-01-15 08:00:01.000Z"), "{}", page.cause);
    let why: Vec<_> = page.candidates.iter().map(|it| (it.chosen, it.why.as_str())).collect();
    assert_eq!(why, [(false, "n1 is not alive"), (true, "priority 5, hot"), (false, "priority 0, below 5")]);
}

#[test]
fn what_was_not_seen_is_not_known() {
    let mut it = second();
    it.sign(&note(3210), &Sign::Ended(SessionState::Expired, Some(Heard { at: None, ..heard(0) })));
    let pages = takes_over(&mut it, 3210, &Reason::Silent, None);
    let page = began(&pages);
    assert_eq!(shown(&page.phases), "last-renewal ?, deadline ?, ended 0, claim 0, claimed 10, ready 29, announced 30");
    assert_eq!(page.outage_ms, None, "nobody knows when it ended");
    assert!(page.cause.contains("not known since when"), "{}", page.cause);
}

#[test]
fn a_planned_change_counts_from_when_nobody_served() {
    let mut it = second();
    // An earlier pause of the same leader is none of its end.
    it.moment(&note(100), &Moment::Ceased);
    it.moment(&note(200), &Moment::Serves);
    it.moment(&note(5000), &Moment::Ceased);
    it.moment(&note(5008), &Moment::Unled(Epoch(4), Reason::Switchover));
    let pages = takes_over(&mut it, 5008, &Reason::Switchover, Some("n2"));
    let page = began(&pages);
    assert_eq!(shown(&page.phases), "ceased 0, claim 8, claimed 18, ready 37, announced 38");
    assert_eq!((page.outage_ms, page.planned), (Some(38), true));
    assert!(page.candidates[1].why.starts_with("handed over to it"), "{:?}", page.candidates);
    assert!(page.candidates[2].why.contains("the old leader chose n2"), "{:?}", page.candidates);
}

/// Paused: the leader's agent dies, and nobody but its own restart may lead again. That one has seen nothing.
#[test]
fn who_lives_on_tells_how_long_a_leader_was_away() {
    let mut it = second();
    it.sign(&note(1020), &Sign::Ended(SessionState::Proven, Some(heard(1000))));
    it.moment(&note(1020), &Moment::Ceased);
    assert_eq!(it.moment(&note(2400), &Moment::Led(name("n1"), Epoch(5), Reason::Proven)), []);
    assert_eq!(it.moment(&note(2419), &Moment::Serves), [Page::Gap(5, "n2".into(), 1419)]);
    assert_eq!(it.moment(&note(2500), &Moment::Serves), [], "once");
    it.moment(&note(9000), &Moment::Ceased);
    it.moment(&note(9010), &Moment::Led(name("n3"), Epoch(6), Reason::Proven));
    assert_eq!(it.moment(&note(9030), &Moment::Serves), [], "the new leader has seen it itself");
}

/// Without a majority the leader stops, and whoever comes back first takes over without having seen anything.
#[test]
fn a_leader_that_had_to_stop_tells_how_long_nobody_led() {
    let mut it = second();
    takes_over(&mut it, 1000, &Reason::Proven, None);
    let pages: Vec<_> = it.over(&note(5000), "no renewal was acknowledged in time").into_iter().collect();
    assert!(matches!(pages.as_slice(), [Page::Ended(5, _, ended)] if ended.why == "session-over"), "{pages:?}");
    it.moment(&note(5001), &Moment::Ceased);
    let mut other = it.clone();
    other.moment(&note(155_000), &Moment::Led(name("n3"), Epoch(6), Reason::CutOff));
    assert_eq!(other.moment(&note(155_200), &Moment::Serves), [Page::Gap(6, "n2".into(), 150_200)]);
    it.moment(&note(155_000), &Moment::Claim(Epoch(6), field(None)));
    it.moment(&note(155_010), &Moment::Led(name("n2"), Epoch(6), Reason::CutOff));
    let page = it.moment(&note(155_030), &Moment::Announced(Epoch(6)));
    let page = began(&page);
    assert_eq!((page.outage_ms, page.why.as_str()), (Some(150_030), "cut-off"));
    assert!(page.cause.contains("had lost the store, or its majority"), "{}", page.cause);
}

/// What a guard says of the end is told as it says it: an agent that hung has not ended.
#[test]
fn the_guard_says_what_made_it_end() {
    let cause = |demise| {
        let mut it = second();
        it.sign(&note(1800), &Sign::Ended(SessionState::Proven, Some(Heard { demise, ..heard(1000) })));
        began(&takes_over(&mut it, 1810, &Reason::Lapsed, None)).cause.clone()
    };
    let gone = cause(Some(Demise::AgentGone));
    assert!(gone.contains("the agent of n1 (10.0.0.1:7700) ended without handing over"), "{gone}");
    let hung = cause(Some(Demise::LeaseOver));
    assert!(hung.contains("was silent (since 2027-01-15 08:00:01.000Z)") && !hung.contains("ended without"), "{hung}");
    assert!(hung.contains("its guard ended the service when the lease ran out"), "{hung}");
    let not_told = cause(None);
    assert!(!not_told.contains("agent"), "nothing is said of what nobody told: {not_told}");
}

#[test]
fn clients_are_told_of_once_they_have_come() {
    let mut it = second();
    takes_over(&mut it, 1000, &Reason::Proven, None);
    assert_eq!((it.newly_served(), it.newly_served()), (Some(5), None));
    let change = Change { epoch: 5, first: Some(time(1037)), held: 3, longest: Duration::from_millis(44) };
    let pages = it.moment(&note(1600), &Moment::Clients(5, Clients::Served(change)));
    let [Page::Phases(5, phases), Page::Waited(5, wait)] = pages.as_slice() else { panic!("{pages:?}") };
    assert_eq!(phases.last().map(|it| (it.name.as_str(), it.at_ms)), Some(("first-client", Some(37))));
    assert_eq!((wait.longest_ms, wait.clients), (44, 3));
    let late = it.moment(&note(9000), &Moment::Clients(5, Clients::Nobody(Duration::from_secs(3))));
    assert_eq!(late, [], "they are asked about once");
}

#[test]
fn who_was_slower_has_nothing_to_tell() {
    let mut it = second();
    it.moment(&note(1000), &Moment::Claim(Epoch(5), field(None)));
    it.moment(&note(1004), &Moment::Led(name("n3"), Epoch(5), Reason::Proven));
    assert_eq!(it.moment(&note(1030), &Moment::Announced(Epoch(5))), []);
    assert!(it.led_by(&name("n3")) && !it.led_by(&name("n1")));
}

#[test]
fn the_end_is_told_by_who_led() {
    let mut it = second();
    takes_over(&mut it, 1000, &Reason::Proven, None);
    it.moment(&note(2000), &Moment::Failed("it ended: killed by signal 9".into(), field(None)));
    it.moment(&note(2000), &Moment::Obeyed(Epoch(5), 12));
    it.moment(&note(2000), &Moment::Demoting(Epoch(5), Reason::ServiceExited("killed by signal 9".into())));
    it.moment(&note(2003), &Moment::Releasing);
    it.moment(&note(2004), &Moment::Releasing);
    let exited = Reason::ServiceExited("killed by signal 9".into());
    let pages = it.moment(&note(2011), &Moment::Unled(Epoch(5), exited));
    let [Page::Ended(5, node, ended)] = pages.as_slice() else { panic!("{pages:?}") };
    assert_eq!(shown(&ended.phases), "failed 0, order 0, stepped-down 3, released 11");
    assert_eq!((node.as_str(), ended.why.as_str(), ended.act), ("n2", "service-exited", Some(12)));
}

#[test]
fn a_leadership_that_never_was_announced_is_told_too() {
    let mut it = second();
    it.moment(&note(1000), &Moment::Claim(Epoch(5), field(None)));
    it.moment(&note(1004), &Moment::Led(name("n2"), Epoch(5), Reason::Proven));
    let pages = it.moment(&note(9000), &Moment::Demoting(Epoch(5), Reason::NotReady("no answer".into())));
    assert_eq!((began(&pages).epoch, began(&pages).outage_ms), (5, None));
    assert!(it.over(&note(9100), "its lease ran out").is_some());
    assert!(it.over(&note(9200), "its lease ran out").is_none(), "once");
}

#[test]
fn what_was_spared_is_told() {
    let mut it = second();
    it.sign(&note(1000), &Sign::Doubted);
    let pages = it.sign(&note(1400), &Sign::Returned(Duration::from_millis(1350)));
    let [Page::Spared(doubt)] = pages.as_slice() else { panic!("{pages:?}") };
    assert_eq!((doubt.kind.as_str(), doubt.node.as_str(), doubt.lasted_ms), ("doubt-passed", "n1", Some(1350)));
    let barred = |epoch| Moment::Barred(Epoch(epoch), String::from("the group is paused"));
    let pages = it.moment(&note(1500), &barred(4));
    let [Page::Spared(held)] = pages.as_slice() else { panic!("{pages:?}") };
    assert_eq!((held.kind.as_str(), held.node.as_str(), held.lasted_ms), ("held-off", "n1", None));
    assert_eq!(it.moment(&note(1500), &barred(3)), [], "that is over");
    takes_over(&mut it, 2000, &Reason::Proven, None);
    it.moment(&note(5000), &Moment::Failed("it ended: exit 1".into(), field(None)));
    let pages = it.moment(&note(5600), &Moment::Ready(Epoch(5)));
    let [Page::Spared(restart)] = pages.as_slice() else { panic!("{pages:?}") };
    assert_eq!((restart.kind.as_str(), restart.lasted_ms), ("restarted-in-place", Some(600)));
    assert!(restart.text.contains("n1 is not alive"), "{}", restart.text);
}
