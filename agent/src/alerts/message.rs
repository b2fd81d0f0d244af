//! What an alert says of itself: ids that are the same on every node, and the words. It sends nothing.

use std::collections::BTreeMap;

use hotseat_client as wire;

use super::finding::{Condition, Key};
use super::ledger::{Delivery, Sender, State};
use super::rule::Rule;
use crate::config::Config;

/// Who writes alerts down, and when.
pub(super) struct Author<'a> {
    pub(super) config: &'a Config,
    pub(super) sender: &'a Sender,
    /// RFC 3339.
    pub(super) at: String,
}

impl Author<'_> {
    /// An alert of this rule. `about` is whom and which: it is what its id has besides the cluster and the rule.
    pub(super) fn alert(&self, rule: Rule, about: &str, state: &str, text: String) -> wire::Alert {
        let cluster = &self.config.cluster.name;
        wire::Alert {
            id: format!("{cluster}/{}/{about}", rule.word()),
            cluster: cluster.clone(),
            rule: rule.word().to_owned(),
            state: state.to_owned(),
            severity: rule.severity().word().to_owned(),
            group: None,
            node: None,
            epoch: None,
            at: self.at.clone(),
            text,
            told_by: self.sender.node.clone(),
            alone: false,
        }
    }

    /// The deliveries of an alert, which the author is to make.
    pub(super) fn deliveries(&self, rule: Rule, alert: &wire::Alert) -> BTreeMap<String, Delivery> {
        let by = || self.sender.clone();
        let delivery =
            || Delivery { state: State::Sending, by: by(), tries: 0, at: self.at.clone(), answer: String::new() };
        let wanting = self.config.alerts.iter().filter(|it| it.wants(rule, alert.group.as_deref()));
        wanting.map(|it| (it.name.clone(), delivery())).collect()
    }
}

impl Condition {
    /// As an alert.
    pub(super) fn alert(&self, key: &Key, about: &str, state: &str, author: &Author<'_>) -> wire::Alert {
        wire::Alert {
            group: self.group.clone(),
            node: self.node.clone(),
            ..author.alert(key.rule, about, state, self.text.clone())
        }
    }
}

/// One line for people: a subject, a chat, a terminal.
pub(super) fn line(alert: &wire::Alert) -> String {
    let mark = match alert.state.as_str() {
        "resolved" => "✔ resolved",
        "test" => "test",
        "event" => "●",
        _ => "▲",
    };
    let alone = if alert.alone { format!(" ({} says so for itself)", alert.told_by) } else { String::new() };
    format!("{mark} {}: {}{alone}", alert.cluster, alert.text)
}
