//! What a node's picture of the cluster says that people may want to be told. It only looks.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use hotseat_client::{Cluster, Event, Group, Member};

use super::rule::Rule;

/// Files of a group that a message names: it is a line.
const DRIFT_SHOWN: usize = 5;

/// A rule, and whom it is about: a group's id or a node's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) rule: Rule,
    pub(super) about: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.rule.word(), self.about)
    }
}

impl FromStr for Key {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (word, about) = text.split_once('/').ok_or(())?;
        let (_, rule) = Rule::WORDS.iter().find(|(its, _)| *its == word).ok_or(())?;
        Ok(Self { rule: *rule, about: about.to_owned() })
    }
}

/// What is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) group: Option<String>,
    pub(super) node: Option<String>,
    /// For people.
    pub(super) text: String,
}

/// Everything that is so, by this picture.
pub(super) type Conditions = BTreeMap<Key, Condition>;

/// Looks at a picture.
pub(super) fn of(cluster: &Cluster) -> Conditions {
    let mut found = Conditions::new();
    for group in &cluster.groups {
        of_group(cluster, group, &mut found);
        for member in &group.members {
            of_member(cluster, group, member, &mut found);
        }
    }
    if !cluster.store.healthy {
        let why = cluster.store.trouble.as_deref().unwrap_or("it does not answer");
        let text = format!("{} cannot use the store: {why}", cluster.node);
        found.insert(Key::new(Rule::StoreLost, &cluster.node), Condition::of_node(&cluster.node, text));
    }
    found
}

/// What an event of the story says.
pub(super) fn happened(event: &Event) -> Option<(Key, Condition)> {
    let rule = match event.kind.as_str() {
        "split-vote" => Rule::SplitVote,
        "drill-failed" => Rule::DrillFailed,
        _ => return None,
    };
    let subject = event.group.as_deref().unwrap_or("log");
    let mark = match rule {
        // It is told by one node alone, and an epoch may see several of them called off.
        Rule::DrillFailed => event.at.chars().filter(char::is_ascii_digit).collect(),
        _ => event.epoch.unwrap_or(event.id).to_string(),
    };
    let about = format!("{subject}/{mark}");
    Some((Key::new(rule, &about), Condition { group: event.group.clone(), node: None, text: event.text.clone() }))
}

fn of_group(cluster: &Cluster, group: &Group, found: &mut Conditions) {
    let mut add = |rule, text| found.insert(Key::new(rule, &group.id), Condition::of_group(&group.id, text));
    if !group.drift.is_empty() {
        add(Rule::Drift, format!("{}: files differ: {}", group.id, differences(group)));
    }
    let Some(leader) = &group.leader else {
        add(Rule::NoLeader, format!("nobody leads {} after epoch {}", group.id, group.epoch));
        return;
    };
    // Who never had a second member has lost nothing; and who pauses a group knows.
    if group.members.len() > 1 && cluster.could_lose(group) == 0 {
        add(Rule::RedundancyLost, format!("{}: {leader} leads, and {}", group.id, nobody_else(group)));
    }
}

/// The first few; `hotseat sync` and the dashboard have all of them.
fn differences(group: &Group) -> String {
    let shown = group.drift.iter().take(DRIFT_SHOWN).map(|it| format!("{} on {} {}", it.path, it.node, it.what));
    let more = group.drift.len().saturating_sub(DRIFT_SHOWN);
    let rest = (more > 0).then(|| format!("and {more} more"));
    shown.chain(rest).collect::<Vec<_>>().join(", ")
}

fn nobody_else(group: &Group) -> String {
    if group.spares() > 0 {
        return String::from("no majority of voters would be left without one more node");
    }
    let others = group.members.iter().filter(|member| Some(&member.node) != group.leader.as_ref());
    let others: Vec<_> = others.map(|member| format!("{} is {}", member.node, member.state)).collect();
    format!("nobody could take over: {}", others.join(", "))
}

fn of_member(cluster: &Cluster, group: &Group, member: &Member, found: &mut Conditions) {
    if member.state == "offline" {
        let key = Key::new(Rule::MemberLost, &member.node);
        let groups = found.get(&key).map_or_else(String::new, |other| format!("{}, ", groups_in(&other.text)));
        let text = format!("{} is offline (member of {groups}{})", member.node, group.id);
        found.insert(key, Condition::of_node(&member.node, text));
    } else if member.node != cluster.node && member.last_seen_ms > cluster.ttl_ms {
        let text =
            format!("{} counts as {}, but was not heard for {} ms", member.node, member.state, member.last_seen_ms);
        found.insert(Key::new(Rule::StateStale, &member.node), Condition::of_node(&member.node, text));
    }
}

/// Of a member of several groups one thing is said.
fn groups_in(text: &str) -> &str {
    text.rsplit_once("(member of ").map_or("", |(_, groups)| groups.trim_end_matches(')'))
}

/// The members that are there, by name: the first of them speaks first.
pub(super) fn present(cluster: &Cluster) -> Vec<String> {
    let members = cluster.groups.iter().flat_map(|group| &group.members);
    let here = members.filter(|member| member.state != "offline").map(|member| member.node.clone());
    let mut names: Vec<_> = here.chain([cluster.node.clone()]).collect();
    names.sort();
    names.dedup();
    names
}

impl Key {
    pub(super) fn new(rule: Rule, about: &str) -> Self {
        Self { rule, about: about.to_owned() }
    }
}

impl Condition {
    pub(super) fn of_group(group: &str, text: String) -> Self {
        Self { group: Some(group.to_owned()), node: None, text }
    }

    pub(super) fn of_node(node: &str, text: String) -> Self {
        Self { group: None, node: Some(node.to_owned()), text }
    }

    /// What is said when it is so no longer.
    pub(super) fn over(key: &Key, cluster: &Cluster) -> Self {
        let about = &key.about;
        let group = cluster.groups.iter().find(|group| group.id == *about);
        let leader = group.and_then(|group| group.leader.as_deref());
        match key.rule {
            Rule::NoLeader => {
                let who =
                    leader.map_or_else(|| format!("{about} is gone"), |leader| format!("{leader} leads {about} again"));
                Self::of_group(about, who)
            }
            Rule::RedundancyLost => {
                let spare = group.map_or(0, |group| cluster.could_lose(group));
                let text = match spare {
                    0 => format!("{about}: what redundancy it lacked is no longer the point"),
                    1 => format!("{about} can lose 1 more node again"),
                    n => format!("{about} can lose {n} more nodes again"),
                };
                Self::of_group(about, text)
            }
            Rule::Flapping => Self::of_group(about, format!("the leadership of {about} is calm again")),
            Rule::MemberLost => match members(cluster).any(|member| member.node == *about) {
                true => Self::of_node(about, format!("{about} is back")),
                false => Self::of_node(about, format!("{about} is no member any more")),
            },
            Rule::StoreLost => Self::of_node(about, format!("{about} can use the store again")),
            Rule::Drift => Self::of_group(about, format!("the files of {about} are the same again")),
            Rule::CertificateEnding => Self::of_node(about, format!("the certificates of {about} are good again")),
            Rule::StateStale => Self::of_node(about, format!("what is known of {about} is fresh again")),
            Rule::LeaderChange | Rule::SplitVote | Rule::DrillFailed => {
                Self::of_group(about, format!("{about} is well"))
            }
        }
    }
}

fn members(cluster: &Cluster) -> impl Iterator<Item = &Member> {
    cluster.groups.iter().flat_map(|group| &group.members)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn member(node: &str, state: &str) -> serde_json::Value {
        json!({"node": node, "state": state, "mode": "auto", "priority": 0, "region": "", "version": "",
            "healthy": state != "offline", "address": "", "service": null, "last_seen_ms": 1})
    }

    fn check(leader: Option<&str>, members: &[serde_json::Value], drift: serde_json::Value, expected: &[&str]) {
        let group = json!({"id": "web", "role": "", "leader": leader, "epoch": 3, "since": null, "serving": true,
            "paused": false, "netid": 1, "members": members, "drift": drift});
        let cluster = json!({"cluster": "c", "node": "n1", "store": {"kind": "dir", "healthy": true}, "ttl_ms": 2000,
            "lease_left_ms": 1, "renewed_ms": 1, "pid": 1, "groups": [group]});
        let found = of(&serde_json::from_value(cluster).expect("a picture"));
        let told: Vec<_> = found.iter().map(|(key, what)| format!("{key}: {}", what.text)).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn a_picture_says_what_is_the_matter() {
        let (leader, standby) = (member("n1", "leader"), member("n2", "standby"));
        check(Some("n1"), &[leader.clone(), standby.clone()], json!([]), &[]);
        check(Some("n1"), std::slice::from_ref(&leader), json!([]), &[]);
        check(
            None,
            &[member("n1", "starting"), standby.clone()],
            json!([]),
            &["no-leader/web: nobody leads web after epoch 3"],
        );
        let lost = [
            "member-lost/n2: n2 is offline (member of web)",
            "redundancy-lost/web: web: n1 leads, and nobody could take over: n2 is offline",
        ];
        check(Some("n1"), &[leader.clone(), member("n2", "offline")], json!([]), &lost);
        let differ: Vec<_> =
            (0..7).map(|it| json!({"node": "n2", "path": format!("/f{it}"), "what": "is not there"})).collect();
        let drift = "drift/web: web: files differ: /f0 on n2 is not there, /f1 on n2 is not there, /f2 on n2 is not there, \
                     /f3 on n2 is not there, /f4 on n2 is not there, and 2 more";
        check(Some("n1"), &[leader, standby], json!(differ), &[drift]);
    }
}
