//! `store`: the address of the place where a cluster agrees.
//!
//! It never connects; a store that this version knows but does not have is refused here, by name.

use super::entry::Entry;
use super::fault::{Fault, quoted};
use super::words;
use std::path::PathBuf;

/// All spellings, as they are listed to a user.
const KNOWN: &[&str] = &["raft", "dir:PATH", "memory"];
/// Known, but not built in yet. Move one into [`StoreUrl::parse`] when it is.
const LATER: &[&str] = &["zookeeper://", "etcd://", "s3://", "gs://", "az://"];

/// Where a cluster agrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// In the agents themselves.
    Raft,
    /// A directory all nodes share.
    Dir(PathBuf),
    /// This process alone; for tests and for trying out.
    Memory,
}

impl StoreUrl {
    pub(super) fn read(entry: Entry<'_>) -> Result<Self, Fault> {
        let text = entry.text()?;
        if let Some(scheme) = LATER.iter().find(|scheme| text.starts_with(**scheme)) {
            let what = format!("store \"{scheme}\" is not built into this version yet");
            return Err(entry.fault(what, "use \"raft\" or \"dir:PATH\""));
        }
        Self::parse(text, &entry).ok_or_else(|| unknown(text, &entry))
    }

    fn parse(text: &str, entry: &Entry<'_>) -> Option<Self> {
        match text.split_once(':') {
            Some(("dir", path)) if !path.is_empty() => Some(Self::Dir(entry.base.join(path))),
            None if text == "raft" => Some(Self::Raft),
            None if text == "memory" => Some(Self::Memory),
            _ => None,
        }
    }
}

fn unknown(text: &str, entry: &Entry<'_>) -> Fault {
    if text.starts_with(['/', '.']) {
        let advice = format!("did you mean {}?", quoted(&format!("dir:{text}")));
        return entry.fault(format!("unknown store {}", quoted(text)), advice);
    }
    let scheme = text.split_inclusive("://").next().unwrap_or(text);
    let scheme = if scheme.starts_with("dir:") { "dir:PATH" } else { scheme };
    entry.fault(format!("unknown store {}", quoted(text)), words::advice(scheme, KNOWN))
}
