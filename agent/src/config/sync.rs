//! `[group.sync]`: files that are the same on all members of a group: sent by the leader, or only compared.

use super::claims::Claims;
use super::entry::Entry;
use super::fault::{Fault, quoted};
use super::node::Node;
use super::placeholders;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;
use toml::de::DeValue;

const KEYS: &[&str] = &["paths", "watch", "share", "keep", "on_change", "timeout"];
const EXAMPLE: &str = "[\"/etc/netmon/conf.d\", \"/etc/netmon/checks.sh\"]";
/// Files and folders that one group names: each is looked at every few seconds.
const NAMED_MAX: usize = 16;
/// Bytes of one such name: it stands in records.
const NAME_MAX: usize = 512;
/// Versions kept: enough to go back past a bad day.
const KEEP: u32 = 5;
const KEEP_MAX: i64 = 20;
/// A reload takes a moment; one that hangs is killed.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Files that are the same on all members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sync {
    /// Sent from the leader to the others.
    pub paths: Vec<Named>,
    /// Only compared.
    pub watch: Vec<Named>,
    /// What watched files hold may be shown, and is kept in the store for that.
    pub share: bool,
    /// How many versions are kept.
    pub keep: u32,
    /// Run on every member once a new version is in place.
    pub on_change: Option<Vec<String>>,
    /// How long that may take.
    pub timeout: Duration,
}

/// A file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// As written: the same on all members.
    pub name: String,
    /// Where it is on this machine.
    pub path: PathBuf,
}

impl Sync {
    /// Whether this is one of the files, by its name.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        let below = |rest: &str| rest.is_empty() || rest.starts_with('/');
        self.paths.iter().chain(&self.watch).any(|named| path.strip_prefix(&named.name).is_some_and(below))
    }

    /// `sync = [PATHS]` or `[group.sync]`.
    pub(super) fn read(entry: Entry<'_>, port: Option<u16>, node: &Node, claims: &mut Claims) -> Result<Self, Fault> {
        let mut sync =
            Self { paths: vec![], watch: vec![], share: false, keep: KEEP, on_change: None, timeout: TIMEOUT };
        if let DeValue::Array(_) = entry.value.get_ref() {
            sync.paths = sent(entry, node, claims)?;
            return Ok(sync);
        }
        let section = entry.section("[group.sync]", KEYS)?;
        sync.paths = section.or("paths", |entry| sent(entry, node, claims), vec![])?;
        sync.watch = section.or("watch", |entry| watched(entry, &sync.paths), vec![])?;
        sync.share = section.or("share", Entry::flag, false)?;
        let keep = section.or("keep", |entry| entry.number(1..=KEEP_MAX), i64::from(KEEP))?;
        sync.keep = u32::try_from(keep).expect("the bounds fit");
        sync.on_change = section.maybe("on_change", |entry| placeholders::argv(entry, port))?;
        sync.timeout = section.or("timeout", Entry::pause, TIMEOUT)?;
        if sync.paths.is_empty() && sync.watch.is_empty() {
            return Err(section.fault("[group.sync] names no files", format!("add paths = {EXAMPLE}, or watch")));
        }
        Ok(sync)
    }
}

fn sent(entry: Entry<'_>, node: &Node, claims: &mut Claims) -> Result<Vec<Named>, Fault> {
    let entries = entries(entry)?;
    entries
        .into_iter()
        .map(|entry| {
            let named = named(entry)?;
            if overlap(&named.path, &node.data_dir) {
                let right = "this node's own keys and records are there: name other files";
                return Err(entry.fault(format!("{} and data_dir overlap", quoted(&named.name)), right));
            }
            claims.path(&named.path, entry.spot())?;
            Ok(named)
        })
        .collect()
}

fn watched(entry: Entry<'_>, sent: &[Named]) -> Result<Vec<Named>, Fault> {
    let mut all: Vec<Named> = Vec::new();
    for entry in entries(entry)? {
        let named = named(entry)?;
        if sent.iter().chain(&all).any(|other| overlap(&other.path, &named.path)) {
            let right = "files that are sent are compared as well: name each only once";
            return Err(entry.fault(format!("{} is named already", quoted(&named.name)), right));
        }
        all.push(named);
    }
    Ok(all)
}

fn entries(entry: Entry<'_>) -> Result<Vec<Entry<'_>>, Fault> {
    let entries = entry.items(EXAMPLE)?;
    if entries.len() > NAMED_MAX {
        let right = format!("at most {NAMED_MAX}; a folder stands for all that is in it");
        return Err(entry.fault(format!("\"{}\" names too many files", entry.key), right));
    }
    Ok(entries)
}

fn named(entry: Entry<'_>) -> Result<Named, Fault> {
    let text = entry.filled()?;
    let name = text.trim_end_matches('/');
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::RootDir);
    if name.is_empty() || name.len() > NAME_MAX || !Path::new(name).components().all(plain) || name.starts_with("./") {
        let right = format!("a file or a folder, without \".\" and \"..\", of at most {NAME_MAX} bytes");
        return Err(entry.fault(format!("{} cannot be kept the same", quoted(text)), right));
    }
    Ok(Named { name: name.to_owned(), path: entry.base.join(name) })
}

/// Whether one of them is, or is in, the other.
#[must_use]
pub fn overlap(a: &Path, b: &Path) -> bool {
    a.starts_with(b) || b.starts_with(a)
}
