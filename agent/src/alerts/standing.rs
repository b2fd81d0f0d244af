//! What is the matter at this moment, whether anybody was told or not: what this node sees by itself, and what only others
//! can see, as the record has it.

use std::cmp::Reverse;

use hotseat_client as wire;
use hotseat_client::Cluster;

use super::finding::{self, Condition, Key};
use super::ledger::Ledger;
use super::rule::Rule;

/// The worst first.
pub(super) fn standing(cluster: &Cluster, ledger: &Ledger) -> Vec<wire::Matter> {
    let mut found = finding::of(cluster);
    // Old for a moment is nothing; what is so for longer stands in the record.
    found.retain(|key, _| key.rule != Rule::StateStale);
    for key in ledger.open().filter(|key| is_told(key, cluster)) {
        let said = ledger.said(&key);
        let text = said.map_or_else(|| key.to_string(), |alert| alert.text.clone());
        let (group, node) = (said.and_then(|it| it.group.clone()), said.and_then(|it| it.node.clone()));
        found.entry(key).or_insert(Condition { group, node, text });
    }
    let mut all: Vec<_> = found.into_iter().collect();
    all.sort_by_key(|(key, _)| Reverse(key.rule.severity()));
    all.into_iter().map(|(key, what)| shown(&key, what, ledger)).collect()
}

/// Whether the picture alone does not show it.
fn is_told(key: &Key, cluster: &Cluster) -> bool {
    match key.rule {
        Rule::Flapping | Rule::CertificateEnding | Rule::StateStale => true,
        Rule::StoreLost => key.about != cluster.node,
        Rule::NoLeader | Rule::MemberLost | Rule::RedundancyLost | Rule::Drift => false,
        Rule::LeaderChange | Rule::SplitVote | Rule::DrillFailed => false,
    }
}

fn shown(key: &Key, what: Condition, ledger: &Ledger) -> wire::Matter {
    wire::Matter {
        rule: key.rule.word().to_owned(),
        severity: key.rule.severity().word().to_owned(),
        group: what.group,
        node: what.node,
        text: what.text,
        said: ledger.said(key).map(|alert| alert.at.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::ledger::Sender;
    use super::super::message::Author;
    use super::*;
    use crate::config::Config;

    const FILE: &str = "[cluster]\nname = \"c\"\nstore = \"memory\"\n[node]\nname = \"n1\"\nlisten = \"127.0.0.1:0\"\n\
                        [[alert]]\nname = \"ops\"\ncommand = [\"true\"]\n";

    fn picture(leader: Option<&str>, second: &str) -> Cluster {
        let member = |node: &str, state: &str| {
            json!({"node": node, "state": state, "mode": "auto", "priority": 0, "region": "", "version": "",
                "healthy": state != "offline", "address": "", "service": null, "last_seen_ms": 9000})
        };
        let group = json!({"id": "web", "role": "", "leader": leader, "epoch": 3, "since": null, "serving": true,
            "paused": false, "netid": 1, "members": [member("n1", "leader"), member("n2", second)]});
        let cluster = json!({"cluster": "c", "node": "n1", "store": {"kind": "dir", "healthy": true}, "ttl_ms": 2000,
            "lease_left_ms": 1, "renewed_ms": 1, "pid": 1, "groups": [group]});
        serde_json::from_value(cluster).expect("a picture")
    }

    /// With what was said of these.
    fn record(said: &[(Rule, &str)]) -> Ledger {
        let (config, sender) =
            (Config::parse("f", FILE).expect("it is right"), Sender { node: "n9".into(), run: "r".into() });
        let author = Author { config: &config, sender: &sender, at: "2026-11-20T12:00:00Z".into() };
        let mut ledger = Ledger::default();
        for (rule, about) in said {
            ledger.opens(&Key::new(*rule, about), &Condition::of_node(about, format!("{about} said so")), &author);
        }
        ledger
    }

    fn check(picture: &Cluster, record: &Ledger, expected: &[&str]) {
        let told = |it: &wire::Matter| {
            let said = if it.said.is_some() { "said" } else { "not said" };
            format!("{} {}: {} ({said})", it.severity, it.rule, it.text)
        };
        assert_eq!(standing(picture, record).iter().map(told).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_seen_counts_and_whether_it_was_said_is_told() {
        let nothing = Ledger::default();
        check(&picture(Some("n1"), "standby"), &nothing, &[]);
        let (lost, alone) =
            ("n2 is offline (member of web)", "web: n1 leads, and nobody could take over: n2 is offline");
        let unsaid =
            [format!("warning member-lost: {lost} (not said)"), format!("warning redundancy-lost: {alone} (not said)")];
        check(&picture(Some("n1"), "offline"), &nothing, &unsaid.each_ref().map(String::as_str));
        let said = record(&[(Rule::MemberLost, "n2")]);
        let half = [format!("warning member-lost: {lost} (said)"), unsaid[1].clone()];
        check(&picture(Some("n1"), "offline"), &said, &half.each_ref().map(String::as_str));
        check(&picture(Some("n1"), "standby"), &said, &[]);
    }

    #[test]
    fn what_only_others_see_stands_by_their_word_and_the_worst_comes_first() {
        let said = record(&[(Rule::CertificateEnding, "n3"), (Rule::StoreLost, "n2"), (Rule::StoreLost, "n1")]);
        let expected = ["critical store-lost: n2 said so (said)", "warning certificate-ending: n3 said so (said)"];
        check(&picture(Some("n1"), "standby"), &said, &expected);
        let leaderless = picture(None, "standby");
        check(&leaderless, &Ledger::default(), &["critical no-leader: nobody leads web after epoch 3 (not said)"]);
    }
}
