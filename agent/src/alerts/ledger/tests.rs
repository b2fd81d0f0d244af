//! The record of what was said, changed by several nodes as compare-and-swap has them change it: one after the other.

use super::*;
use crate::config::Config;

const FILE: &str = r#"
[cluster]
name = "c"
store = "memory"
[node]
name = "n1"
listen = "127.0.0.1:0"
[[alert]]
name = "ops"
command = ["true"]
[[alert]]
name = "night"
when = ["no-leader"]
command = ["true"]
"#;

struct Node {
    config: Config,
    sender: Sender,
}

impl Node {
    fn new(name: &str) -> Self {
        let config = Config::parse("hotseat.toml", FILE).expect("it is right");
        Self { config, sender: Sender { node: name.into(), run: String::from("r") } }
    }

    fn at(&self, at: &str) -> Author<'_> {
        Author { config: &self.config, sender: &self.sender, at: at.into() }
    }

    fn author(&self) -> Author<'_> {
        self.at("2026-11-20T12:00:00Z")
    }
}

fn leading(epoch: u64, planned: bool) -> Leading {
    Leading { group: String::from("web"), epoch, first: 1, node: Some(String::from("n2")), planned }
}

fn leads(ledger: &mut Ledger, epoch: u64, planned: bool, author: &Author<'_>) -> bool {
    ledger.leads(&leading(epoch, planned), |epoch| format!("epoch {epoch}"), author)
}

fn said(ledger: &Ledger) -> Vec<(&str, &str)> {
    ledger.told.iter().map(|told| (told.alert.id.as_str(), told.alert.state.as_str())).collect()
}

fn lost() -> (Key, Condition) {
    (Key::new(Rule::MemberLost, "n3"), Condition::of_node("n3", String::from("n3 is offline")))
}

#[test]
fn of_all_who_notice_one_says_it() {
    let (mut ledger, first, second) = (Ledger::default(), Node::new("n1"), Node::new("n2"));
    let (key, what) = lost();
    assert!(ledger.opens(&key, &what, &first.author()));
    assert!(!ledger.opens(&key, &what, &second.author()), "it was said");
    assert!(leads(&mut ledger, 2, false, &second.author()));
    assert!(!leads(&mut ledger, 2, false, &first.author()), "it was said");
    assert!(ledger.closes(&key, &what, &second.author()));
    assert!(!ledger.closes(&key, &what, &first.author()));
    assert!(ledger.opens(&key, &what, &first.author()), "another time is another incident");
    let all = [
        ("c/member-lost/n3/1", "firing"),
        ("c/leader-change/web/2", "event"),
        ("c/member-lost/n3/1", "resolved"),
        ("c/member-lost/n3/2", "firing"),
    ];
    assert_eq!(said(&ledger), all);
    let parcels = |node: &Node| ledger.told.iter().flat_map(|told| told.parcels(&node.sender)).count();
    assert_eq!((parcels(&first), parcels(&second)), (2, 2), "each sends what it has said, to those who want it");
}

#[test]
fn epochs_that_passed_unseen_are_told_and_the_first_is_no_change() {
    let (mut ledger, node) = (Ledger::default(), Node::new("n1"));
    let fresh = Leading { first: 0, ..leading(1, true) };
    assert!(ledger.leads(&fresh, |_| String::new(), &node.author()), "from now on it is known");
    assert_eq!(said(&ledger), []);
    assert!(leads(&mut ledger, 4, true, &node.author()));
    let changes = ["c/leader-change/web/2", "c/leader-change/web/3", "c/leader-change/web/4"];
    assert_eq!(said(&ledger).into_iter().map(|(id, _)| id).collect::<Vec<_>>(), changes);
    assert_eq!(
        ledger.told.iter().map(|told| told.alert.severity.as_str()).collect::<Vec<_>>(),
        ["warning", "warning", "info"]
    );
    let mut late = Ledger::default();
    assert!(late.leads(&Leading { first: 57, ..leading(57, true) }, |_| String::new(), &node.author()));
    assert_eq!(said(&late), [], "who begins to watch does not tell what was before");
}

#[test]
fn a_delivery_is_taken_over_and_the_old_sender_has_no_say() {
    let (mut ledger, dead, heir) = (Ledger::default(), Node::new("n1"), Node::new("n2"));
    let (key, what) = lost();
    ledger.opens(&key, &what, &dead.author());
    let parcel = ledger.told[0].parcels(&dead.sender).next().expect("to ops");
    assert!(!ledger.takes_over(|_| false, &heir.author()));
    assert!(ledger.takes_over(|delivery| delivery.by == dead.sender, &heir.author()));
    assert_eq!(ledger.told[0].parcels(&dead.sender).count(), 0);
    let outcome = Outcome { parcel, state: State::Sent, tries: 1, answer: "a".repeat(1000) };
    assert!(!ledger.came_of(&outcome, &dead.author()), "it is another's now");
    assert!(ledger.came_of(&outcome, &heir.author()));
    let delivery = &ledger.told[0].deliveries["ops"];
    assert_eq!((delivery.state, delivery.answer.len()), (State::Sent, ANSWER_MAX));
    assert_eq!(ledger.sending().count(), 0);
    assert!(!ledger.takes_over(|_| true, &dead.author()), "what has arrived is nobody's to send");
}

#[test]
fn what_a_node_has_said_for_itself_is_not_said_again() {
    let (mut ledger, node, other) = (Ledger::default(), Node::new("n1"), Node::new("n2"));
    let key = Key::new(Rule::NoLeader, "web");
    let what = Condition::of_group("web", String::from("nobody leads"));
    let (own, its) = (Told::alone(&key, &what, &[], &node.author()), Told::alone(&key, &what, &[], &other.author()));
    assert!(own.alert.alone && own.alert.id != its.alert.id);
    assert_eq!(own.deliveries.keys().collect::<Vec<_>>(), ["night", "ops"]);
    assert!(ledger.adopts(&key, own.clone()));
    assert!(!ledger.adopts(&key, own.clone()) && ledger.adopts(&key, its));
    assert!(!ledger.opens(&key, &what, &node.author()));
    assert!(ledger.closes(&key, &what, &node.author()));
    assert_eq!(ledger.told.last().map(|told| &told.alert.id), Some(&own.alert.id), "as it began, so it ends");
}

#[test]
fn flapping_is_too_many_unplanned_changes_without_calm() {
    let (mut ledger, node) = (Ledger::default(), Node::new("n1"));
    let minute = |minute: u64| format!("2026-11-20T12:{minute:02}:00Z");
    let time = |it: u64| humantime::parse_rfc3339(&minute(it)).expect("a time");
    leads(&mut ledger, 1, true, &node.at(&minute(0)));
    for epoch in 2..=4 {
        leads(&mut ledger, epoch, false, &node.at(&minute(epoch)));
    }
    leads(&mut ledger, 5, true, &node.at(&minute(5)));
    assert!(!ledger.flaps("web", time(5)), "three, and a planned one");
    leads(&mut ledger, 6, false, &node.at(&minute(6)));
    assert!(ledger.flaps("web", time(6)) && !ledger.flaps("db", time(6)));
    assert!(!ledger.flaps("web", time(13)), "calm");
}

#[test]
fn the_record_is_bounded() {
    let (mut ledger, node) = (Ledger::default(), Node::new("n1"));
    for epoch in 1..=300 {
        leads(&mut ledger, epoch, false, &node.author());
    }
    for number in 0..300 {
        let key = Key::new(Rule::MemberLost, &format!("{}{number}", "n".repeat(50)));
        ledger.opens(&key, &Condition::of_node("n", "x".repeat(300)), &node.author());
    }
    assert_eq!((ledger.told.len(), ledger.open.len()), (TOLD_MAX, OPEN_MAX));
    assert!(leads(&mut ledger, 1000, false, &node.author()), "of many that passed unseen the newest are told");
    let length = serde_json::to_vec(&ledger).expect("JSON").len();
    assert!(length < 200 * 1024, "{length}");
}
