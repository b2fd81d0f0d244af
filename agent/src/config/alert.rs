//! `[[alert]]`: who is told when something has happened, and how.

use super::channel::{self, Channel};
use super::cluster::advice;
use super::entry::Entry;
use super::fault::{Fault, Spot, quoted};
use super::group::Group;
use super::section::Section;
use crate::alerts::Rule;
use hotseat_core::NodeName;
use std::time::Duration;

const KEYS: &[&str] = &["name", "when", "groups", "timeout", "webhook", "slack", "smtp", "mqtt", "command"];
const CHANNELS: &[&str] = &["webhook", "slack", "smtp", "mqtt", "command"];
/// Mail servers that greylist or look up who asks take seconds; one that hangs is asked again.
const TIMEOUT: Duration = Duration::from_secs(20);
/// More than one try must fit into a night, and a node that sends is not asked whether it still does.
const TIMEOUT_MAX: Duration = Duration::from_secs(120);
/// Each of them is a line in the record of every alert.
const ALERTS_MAX: usize = 16;

/// Who is told, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its name, unique in the file, and the same on all nodes.
    pub name: String,
    /// What it is told.
    pub when: Vec<Rule>,
    /// Of which groups; of all if empty. What is of no group is told always.
    pub groups: Vec<String>,
    /// How long one try may take.
    pub timeout: Duration,
    /// How.
    pub channel: Channel,
}

impl Alert {
    /// Whether this is for it.
    #[must_use]
    pub fn wants(&self, rule: Rule, group: Option<&str>) -> bool {
        let of_it = |group: &str| self.groups.is_empty() || self.groups.iter().any(|its| its == group);
        self.when.contains(&rule) && group.is_none_or(of_it)
    }

    fn read(section: &Section<'_>, groups: &[Group]) -> Result<Self, Fault> {
        let channel = section.one_of(CHANNELS, "webhook = \"https://example.org/hotseat\"")?;
        let all = || Rule::WORDS.iter().map(|(_, rule)| *rule).collect();
        Ok(Self {
            name: section.need("name", "name = \"ops\"").and_then(name)?,
            when: section.maybe("when", rules)?.unwrap_or_else(all),
            groups: section.or("groups", |entry| known(entry, groups), Vec::new())?,
            timeout: section.or("timeout", timeout, TIMEOUT)?,
            channel: channel::read(channel)?,
        })
    }
}

/// Every `[[alert]]` of the file.
pub(super) fn read_all(entry: Entry<'_>, groups: &[Group]) -> Result<Vec<Alert>, Fault> {
    if entry.value.get_ref().is_table() {
        return Err(entry.fault("there may be several alerts", "write [[alert]], with two brackets"));
    }
    let entries = entry.items("[[alert]] tables")?;
    if entries.len() > ALERTS_MAX {
        return Err(
            entry.fault(format!("more than {ALERTS_MAX} alerts"), "one can tell many: smtp has a list in \"to\"")
        );
    }
    let mut read: Vec<(Alert, Spot)> = Vec::new();
    for entry in entries {
        let section = entry.section("[[alert]]", KEYS)?;
        let alert = Alert::read(&section, groups)?;
        let spot = section.get("name").map_or_else(|| section.spot(), |name| name.spot());
        if let Some((_, first)) = read.iter().find(|(other, _)| other.name == alert.name) {
            let what = format!("alert \"{}\" is there twice", alert.name);
            return Err(Fault::new(spot, what, "each [[alert]] needs a name of its own").first(first.clone()));
        }
        read.push((alert, spot));
    }
    Ok(read.into_iter().map(|(alert, _)| alert).collect())
}

/// It becomes part of ids, as a node's name does.
fn name(entry: Entry<'_>) -> Result<String, Fault> {
    let text = entry.text()?;
    let wrong = |why| entry.fault(format!("{} is not a name", quoted(text)), advice(&why));
    NodeName::new(text).map(String::from).map_err(wrong)
}

fn rules(entry: Entry<'_>) -> Result<Vec<Rule>, Fault> {
    let items = entry.items("a list of rules: [\"leader-change\", \"member-lost\"]")?;
    if items.is_empty() {
        return Err(entry.fault("\"when\" is empty: nothing would be told", "name rules, or leave it out for all"));
    }
    items.into_iter().map(|item| item.word("rule", Rule::WORDS)).collect()
}

fn known(entry: Entry<'_>, groups: &[Group]) -> Result<Vec<String>, Fault> {
    let names: Vec<_> = groups.iter().map(|group| (group.id.as_str(), group.id.as_str())).collect();
    let items = entry.items("a list of groups: [\"web\"]")?;
    items.into_iter().map(|item| Ok(item.word("group", &names)?.to_owned())).collect()
}

fn timeout(entry: Entry<'_>) -> Result<Duration, Fault> {
    match entry.pause()? {
        long if long > TIMEOUT_MAX => Err(entry.fault("\"timeout\" is too long", "at most \"2m\" for one try")),
        timeout => Ok(timeout),
    }
}
