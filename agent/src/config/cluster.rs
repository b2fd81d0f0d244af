//! `[cluster]`: what all nodes of a cluster have in common.

use super::entry::Entry;
use super::fault::{Fault, quoted};
use super::section::Section;
use super::store::StoreUrl;
use super::timing;
use hotseat_core::Timing;
use std::time::Duration;

/// Keys of `[cluster]`.
pub(super) const KEYS: &[&str] =
    &["name", "store", "timing", "replace_after", "forget", "allow_single_point_of_failure"];

/// Longer than a reboot, shorter than a night.
const REPLACE_AFTER: Duration = Duration::from_secs(600);

/// What all nodes of a cluster have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The cluster's name.
    pub name: String,
    /// Where the cluster agrees.
    pub store: StoreUrl,
    /// How fast, and how safely, a silent node is given up.
    pub timing: Timing,
    /// A voter that was dead for so long gives its place to a spare member (`store = "raft"`).
    pub replace_after: Duration,
    /// A member that was dead for so long is one no more; `None`: until somebody removes it.
    pub forget: Option<Duration>,
    /// Whether a store that lives on one machine only is accepted.
    pub allow_single_point_of_failure: bool,
}

impl Cluster {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Fault> {
        Ok(Self {
            name: section.need("name", "name = \"my-cluster\"").and_then(name)?,
            store: section.need("store", "store = \"raft\"").and_then(StoreUrl::read)?,
            timing: section.or("timing", timing::read, Timing::LAN)?,
            replace_after: section.or("replace_after", Entry::duration, REPLACE_AFTER)?,
            forget: section.or("forget", forget, None)?,
            allow_single_point_of_failure: section.or("allow_single_point_of_failure", Entry::flag, false)?,
        })
    }
}

/// A length of time, or `"never"`.
fn forget(entry: Entry<'_>) -> Result<Option<Duration>, Fault> {
    match entry.text() {
        Ok("never") => Ok(None),
        Ok(_) | Err(_) => entry.pause().map(Some),
    }
}

/// A cluster is named like a node: the name becomes part of file names and URLs too.
fn name(entry: Entry<'_>) -> Result<String, Fault> {
    let text = entry.text()?;
    match hotseat_core::NodeName::new(text) {
        Ok(name) => Ok(name.into()),
        Err(why) => Err(entry.fault(format!("{} is not a name", quoted(text)), advice(&why))),
    }
}

/// The part of core's message that says what a name may be.
pub(super) fn advice(why: &hotseat_core::InvalidName) -> String {
    let text = why.to_string();
    text.rsplit_once(": ").map_or(text.clone(), |(_, advice)| advice.to_owned())
}
