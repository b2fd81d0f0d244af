//! What the cluster has said, and what came of it: the record `alerts` on the shelf. A value: every change is made by
//! compare-and-swap, so that of all nodes that notice something one says it.
//!
//! ```text
//!   noticed ──> told, deliveries "sending" by whoever noticed ──> "sent" | "failed"
//!                          │ the sender is gone
//!                          └──> "sending" by whoever sees that first
//! ```

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use hotseat_client as wire;
use serde::{Deserialize, Serialize};

use super::finding::{Condition, Key};
use super::message::Author;
use super::post::Outcome;
use super::rule::{Rule, Severity};

/// Alerts kept: a bad night. The record stays far below what a store takes.
const TOLD_MAX: usize = 100;

/// Epochs that were passed and are told one by one; of more, the newest.
const EPOCHS_MAX: u64 = 8;

/// Changes of leader that nobody has asked for, within `CALM`, that are too many.
const FLAPS: usize = 4;

/// How long no such change may have been for the leadership to be calm again.
pub(super) const CALM: Duration = Duration::from_secs(600);

/// Conditions that may be open at a time: every node and every group may have a few.
const OPEN_MAX: usize = 200;

/// Longest word of a receiver that is kept.
const ANSWER_MAX: usize = 200;

/// Who sends: a node in one run of its agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sender {
    pub(super) node: String,
    pub(super) run: String,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ledger {
    /// The number of the next incident.
    next: u64,
    /// The epoch of each group that was told last.
    epochs: BTreeMap<String, u64>,
    /// When each group's leader changed lately without anybody's asking, RFC 3339.
    changes: BTreeMap<String, Vec<String>>,
    /// What is so at the moment, by rule and whom it is about, and the id under which it was told.
    open: BTreeMap<String, String>,
    /// What was said, oldest first.
    pub(super) told: Vec<Told>,
}

/// One alert and its deliveries, by the names of the `[[alert]]`s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) alert: wire::Alert,
    pub(super) deliveries: BTreeMap<String, Delivery>,
}

/// What came of one alert at one receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Delivery {
    pub(super) state: State,
    pub(super) by: Sender,
    pub(super) tries: u32,
    pub(super) at: String,
    pub(super) answer: String,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Its sender tries.
    Sending,
    /// The receiver has it.
    Sent,
    /// Given up.
    Failed,
}

/// A change of leader, as a node knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leading {
    pub(super) group: String,
    pub(super) epoch: u64,
    /// The one that this node saw first.
    pub(super) first: u64,
    pub(super) node: Option<String>,
    /// Somebody has asked for it.
    pub(super) planned: bool,
}

impl Ledger {
    /// Whether this condition was told and has not ended.
    pub(super) fn is_open(&self, key: &Key) -> bool {
        self.open.contains_key(&key.to_string())
    }

    /// The conditions that are open, by their keys.
    pub(super) fn open(&self) -> impl Iterator<Item = Key> {
        self.open.keys().filter_map(|key| key.parse().ok())
    }

    /// The alert by which it was told that this is so, if it was and is still kept.
    pub(super) fn said(&self, key: &Key) -> Option<&wire::Alert> {
        let id = self.open.get(&key.to_string())?;
        self.told.iter().map(|told| &told.alert).find(|alert| alert.id == *id && alert.state == "firing")
    }

    /// The epoch of this group that was told last, if it was ever heard of.
    pub(super) fn epoch(&self, group: &str) -> Option<u64> {
        self.epochs.get(group).copied()
    }

    /// Whether the group's leadership changes again and again.
    pub(super) fn flaps(&self, group: &str, now: SystemTime) -> bool {
        let lately = |at: &&String| {
            let then = humantime::parse_rfc3339(at).ok();
            then.is_some_and(|then| now.duration_since(then).unwrap_or_default() < CALM)
        };
        self.changes.get(group).is_some_and(|changes| changes.iter().filter(lately).count() >= FLAPS)
    }

    /// Tells that a leadership began, and those that passed unseen before it. Says whether that was news.
    pub(super) fn leads(&mut self, leading: &Leading, words: impl Fn(u64) -> String, author: &Author<'_>) -> bool {
        let known = self.epoch(&leading.group);
        if known.is_some_and(|known| known >= leading.epoch) {
            return false;
        }
        self.epochs.insert(leading.group.clone(), leading.epoch);
        // Of a group that was never heard of, only what changed before one's own eyes is news.
        let told = known.unwrap_or(leading.first);
        // The first leadership of all is no change.
        let first = told.max(1).max(leading.epoch.saturating_sub(EPOCHS_MAX)) + 1;
        for epoch in first..=leading.epoch {
            let newest = epoch == leading.epoch;
            if !(newest && leading.planned) {
                self.changed(&leading.group, author);
            }
            let about = format!("{}/{epoch}", leading.group);
            let severity = if newest && leading.planned { Severity::Info } else { Rule::LeaderChange.severity() };
            let alert = wire::Alert {
                group: Some(leading.group.clone()),
                node: leading.node.clone().filter(|_| newest),
                epoch: Some(epoch),
                severity: severity.word().into(),
                ..author.alert(Rule::LeaderChange, &about, "event", words(epoch))
            };
            self.tell(Rule::LeaderChange, alert, author);
        }
        true
    }

    fn changed(&mut self, group: &str, author: &Author<'_>) {
        let changes = self.changes.entry(group.to_owned()).or_default();
        changes.push(author.at.clone());
        let over = changes.len().saturating_sub(FLAPS);
        changes.drain(..over);
    }

    /// Tells that something happened. Says whether that was news.
    pub(super) fn happened(&mut self, key: &Key, what: &Condition, author: &Author<'_>) -> bool {
        let alert = what.alert(key, &key.about, "event", author);
        !self.told.iter().any(|told| told.alert.id == alert.id) && self.tell(key.rule, alert, author)
    }

    /// Tells that this is so. Says whether that was news.
    pub(super) fn opens(&mut self, key: &Key, what: &Condition, author: &Author<'_>) -> bool {
        if self.is_open(key) || self.open.len() >= OPEN_MAX {
            return false;
        }
        self.next += 1;
        let about = format!("{}/{}", key.about, self.next);
        let alert = what.alert(key, &about, "firing", author);
        self.open.insert(key.to_string(), alert.id.clone());
        self.tell(key.rule, alert, author);
        true
    }

    /// Tells that this is so no longer. Says whether that was news.
    pub(super) fn closes(&mut self, key: &Key, what: &Condition, author: &Author<'_>) -> bool {
        let Some(id) = self.open.remove(&key.to_string()) else { return false };
        let alert =
            wire::Alert { id, severity: Severity::Info.word().into(), ..what.alert(key, "", "resolved", author) };
        self.tell(key.rule, alert, author);
        true
    }

    /// Takes over what a node has said for itself: it is open, and is not said again.
    pub(super) fn adopts(&mut self, key: &Key, told: Told) -> bool {
        let news = !self.told.iter().any(|other| other.alert.id == told.alert.id);
        if news {
            self.open.entry(key.to_string()).or_insert_with(|| told.alert.id.clone());
            self.push(told);
        }
        news
    }

    /// Says whether anybody wants to be told.
    fn tell(&mut self, rule: Rule, alert: wire::Alert, author: &Author<'_>) -> bool {
        let told = Told { deliveries: author.deliveries(rule, &alert), alert };
        let wanted = !told.deliveries.is_empty();
        if wanted {
            self.push(told);
        }
        wanted
    }

    fn push(&mut self, told: Told) {
        self.told.push(told);
        let over = self.told.len().saturating_sub(TOLD_MAX);
        self.told.drain(..over);
    }

    /// Makes deliveries the author's whose senders are lost, if it knows how to send them. Says whether there were any.
    pub(super) fn takes_over(&mut self, lost: impl Fn(&Delivery) -> bool, author: &Author<'_>) -> bool {
        let known = |name: &str| author.config.alerts.iter().any(|alert| alert.name == name);
        let mut taken = false;
        for told in &mut self.told {
            for (name, delivery) in &mut told.deliveries {
                if delivery.state == State::Sending && known(name) && lost(delivery) {
                    delivery.by = author.sender.clone();
                    delivery.at.clone_from(&author.at);
                    taken = true;
                }
            }
        }
        taken
    }

    /// Writes down what came of a delivery; that of another sender is left as it is.
    pub(super) fn came_of(&mut self, outcome: &Outcome, author: &Author<'_>) -> bool {
        let Outcome { parcel, state, tries, answer } = outcome;
        let told = self.told.iter_mut().find(|told| parcel.is_of(told));
        let delivery = told.and_then(|told| told.deliveries.get_mut(&parcel.name));
        let Some(delivery) = delivery.filter(|delivery| delivery.by == *author.sender) else { return false };
        let answer = answer.chars().take(ANSWER_MAX).collect();
        *delivery = Delivery { state: *state, by: author.sender.clone(), tries: *tries, at: author.at.clone(), answer };
        true
    }

    /// Everything that is under way.
    pub(super) fn sending(&self) -> impl Iterator<Item = &Delivery> {
        let all = self.told.iter().flat_map(|told| told.deliveries.values());
        all.filter(|delivery| delivery.state == State::Sending)
    }
}

/// One alert on its way to one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parcel {
    pub(super) alert: wire::Alert,
    /// Of the `[[alert]]`.
    pub(super) name: String,
    /// So often it was tried already.
    pub(super) tries: u32,
}

impl Parcel {
    fn is_of(&self, told: &Told) -> bool {
        told.alert.id == self.alert.id && told.alert.state == self.alert.state
    }

    /// What tells it from all others.
    pub(super) fn key(&self) -> (String, String, String) {
        (self.alert.id.clone(), self.alert.state.clone(), self.name.clone())
    }
}

impl Told {
    /// What a node says without the store, for itself and for these others. Its id is that of no other node.
    pub(super) fn alone(key: &Key, what: &Condition, others: &[String], author: &Author<'_>) -> Self {
        let Sender { node, run } = author.sender;
        let about = format!("{}/{node}-{run}-{}", key.about, author.at.replace([':', '.', '-'], ""));
        let alert = what.alert(key, &about, "firing", author);
        let others = others.join(", ");
        let text = match others.is_empty() {
            true => alert.text,
            false => format!("{} (for {node} and {others}, which hear each other)", alert.text),
        };
        let alert = wire::Alert { alone: true, text, ..alert };
        Self { deliveries: author.deliveries(key.rule, &alert), alert }
    }

    /// What this sender has to send of it.
    pub(super) fn parcels(&self, sender: &Sender) -> impl Iterator<Item = Parcel> {
        let own = |(_, delivery): &(&String, &Delivery)| delivery.state == State::Sending && delivery.by == *sender;
        let parcel = |(name, delivery): (&String, &Delivery)| Parcel {
            alert: self.alert.clone(),
            name: name.clone(),
            tries: delivery.tries,
        };
        self.deliveries.iter().filter(own).map(parcel)
    }

    /// As the API shows it.
    pub(super) fn shown(&self) -> wire::Told {
        let shown = |(name, delivery): (&String, &Delivery)| wire::Delivery {
            name: name.clone(),
            state: delivery.state.word().to_owned(),
            by: delivery.by.node.clone(),
            tries: delivery.tries,
            at: delivery.at.clone(),
            answer: delivery.answer.clone(),
        };
        wire::Told { alert: self.alert.clone(), deliveries: self.deliveries.iter().map(shown).collect() }
    }
}

impl State {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests;
