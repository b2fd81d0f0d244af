//! `[api]`: who gets at the agent's port, and how.

use super::entry::Entry;
use super::fault::{Fault, quoted};
use super::gate;
use super::section::Section;
use crate::proxy::tls::Files;

/// Keys of `[api]`.
pub(super) const KEYS: &[&str] = &["open", "hosts", "plain", "tls"];

/// Who gets at the agent's port, and how.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Api {
    /// As long as there are no tokens, whoever reaches the port may do everything.
    pub open: bool,
    /// Tokens are taken even where everybody on the way can read them.
    pub plain: bool,
    /// The certificate of HTTPS; none: the cluster's own, where the agents are the store.
    pub tls: Option<Files>,
    /// Names by which browsers call this node, beside its own.
    pub hosts: Vec<String>,
}

impl Api {
    pub(super) fn read(entry: Entry<'_>) -> Result<Self, Fault> {
        let section = entry.section("[api]", KEYS)?;
        Self::of(&section)
    }

    fn of(section: &Section<'_>) -> Result<Self, Fault> {
        Ok(Self {
            open: section.or("open", Entry::flag, false)?,
            plain: section.or("plain", Entry::flag, false)?,
            tls: section.maybe("tls", gate::tls)?,
            hosts: section.or("hosts", hosts, Vec::new())?,
        })
    }
}

fn hosts(entry: Entry<'_>) -> Result<Vec<String>, Fault> {
    entry.items("a list of names: [\"ha.example.org\"]")?.into_iter().map(host).collect()
}

fn host(entry: Entry<'_>) -> Result<String, Fault> {
    let text = entry.filled()?;
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
        return Ok(text.to_owned());
    }
    let right = "the name alone, without http:// and port: \"ha.example.org\"";
    Err(entry.fault(format!("{} is not a host's name", quoted(text)), right))
}
