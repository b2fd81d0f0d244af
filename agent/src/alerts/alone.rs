//! What a node says while the store does not answer, and nobody can write down who tells people what.
//!
//! ```text
//!   no store ── "stranded" over the links, again and again ──> the others that are stranded, too
//!                    │
//!                    └─ of those that hear each other, the first by name tells people; the others leave it to that one
//! ```
//!
//! Who hears nobody speaks for itself, so somebody always does. It is no election: where a link is lost in one direction
//! two may speak, and where there are no links (a shared directory, which each node loses by itself) each does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hotseat_core::Instant;

use super::finding::Key;
use super::ledger::Told;
use super::message::Author;
use super::waiting::Due;

/// Between two calls of a node that is stranded.
const PACE: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Alone {
    /// What this node has said, until that is written down.
    told: BTreeMap<Key, Told>,
    /// What it has left to another.
    left: BTreeSet<Key>,
    called: Option<Instant>,
}

impl Alone {
    /// Whether the others are to be called now.
    pub(super) fn calls(&mut self, now: Instant) -> bool {
        let due = self.called.is_none_or(|at| now.since(at) >= PACE);
        if due {
            self.called = Some(now);
        }
        due
    }

    /// Says what is due and cannot wait, if that is for this node to say while these others are stranded, too. The answer is
    /// what it leaves to another, in words, once each.
    pub(super) fn speak(&mut self, due: &[Due], others: &[String], author: &Author<'_>) -> Vec<String> {
        let first = others.iter().filter(|name| **name < author.sender.node).min();
        let mut news = Vec::new();
        for due in due {
            let Due::Opens(key, what) = due else { continue };
            if !key.rule.cannot_wait() || self.told.contains_key(key) {
                continue;
            }
            let Some(first) = first else {
                self.told.insert(key.clone(), Told::alone(key, what, others, author));
                continue;
            };
            if self.left.insert(key.clone()) {
                news.push(format!(
                    "{first} is to tell people, as the first of those that hear each other: {}",
                    what.text
                ));
            }
        }
        news
    }

    /// What was said.
    pub(super) fn told(&self) -> &BTreeMap<Key, Told> {
        &self.told
    }

    /// The store has what was said.
    pub(super) fn written(&mut self) {
        self.told.clear();
    }

    /// The store answers. Says whether something was left to another, which is for that one to write down first.
    pub(super) fn is_over(&mut self) -> bool {
        !std::mem::take(&mut self.left).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::finding::Condition;
    use crate::alerts::ledger::Sender;
    use crate::alerts::rule::Rule;
    use crate::config::Config;

    const FILE: &str = "[cluster]\nname = \"c\"\nstore = \"memory\"\n[node]\nname = \"n2\"\nlisten = \"127.0.0.1:0\"\n\
                        [[alert]]\nname = \"ops\"\ncommand = [\"true\"]\n";

    fn opens(rule: Rule, about: &str) -> Due {
        Due::Opens(Key::new(rule, about), Condition::of_group(about, format!("{about} is down")))
    }

    #[test]
    fn the_first_by_name_of_those_that_hear_each_other_speaks() {
        let config = Config::parse("hotseat.toml", FILE).expect("it is right");
        let sender = Sender { node: String::from("n2"), run: String::from("r") };
        let author = Author { config: &config, sender: &sender, at: String::from("2026-11-20T12:00:00Z") };
        let due = [opens(Rule::NoLeader, "web"), opens(Rule::MemberLost, "n3")];
        let mut alone = Alone::default();
        let left = alone.speak(&due, &[String::from("n3"), String::from("n1")], &author);
        assert!(left.len() == 1 && left[0].starts_with("n1 is to tell people"), "{left:?}");
        assert!(alone.speak(&due, &[String::from("n1")], &author).is_empty(), "once");
        assert!(alone.told().is_empty());
        assert!(alone.speak(&due, &[String::from("n3")], &author).is_empty(), "n1 is gone: it is ours to say");
        let told: Vec<_> = alone.told().values().map(|told| told.alert.text.as_str()).collect();
        assert_eq!(told, ["web is down (for n2 and n3, which hear each other)"], "what can wait does");
        assert!(alone.is_over() && !alone.is_over());
        alone.written();
        assert!(alone.told().is_empty());
    }

    #[test]
    fn the_others_are_called_again_and_again_but_not_all_the_time() {
        let at = |millis| Instant::from_nanos(0) + Duration::from_millis(millis);
        let mut alone = Alone::default();
        let calls: Vec<_> = [0, 250, 999, 1000, 1250].into_iter().filter(|millis| alone.calls(at(*millis))).collect();
        assert_eq!(calls, [0, 1000]);
    }
}
