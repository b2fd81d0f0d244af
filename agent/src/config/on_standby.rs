//! `on_standby` of `[group.proxy]`: what the proxy of a node does that does not lead.

use super::entry::Entry;
use super::fault::{Fault, quoted};
use toml::de::DeValue;

const WORDS: &[(&str, OnStandby<()>)] = &[("carry", OnStandby::Carry), ("redirect", OnStandby::Redirect(()))];
const EXAMPLE: &str =
    "the scheme and host of an address, as in \"https://{node}.example.org\" or \"http://{host}:8080\"";
/// Longer than any host's name with its scheme and port.
const BYTES_MAX: usize = 300;

/// What the proxy of a node does that does not lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnStandby<To = Option<String>> {
    /// It carries everything to the leader.
    #[default]
    Carry,
    /// It tells HTTP clients where the leader is: at this address, or at the leader's host and this proxy's port.
    Redirect(To),
}

impl OnStandby {
    /// `"carry"`, `"redirect"` or `{ redirect = "ADDRESS" }`.
    pub(super) fn read(entry: Entry<'_>) -> Result<Self, Fault> {
        if let DeValue::Table(_) = entry.value.get_ref() {
            let to = entry.section("on_standby", &["redirect"])?;
            return Ok(Self::Redirect(Some(address(
                to.need("redirect", "redirect = \"https://{node}.example.org\"")?,
            )?)));
        }
        Ok(match entry.word("on_standby", WORDS)? {
            OnStandby::Carry => Self::Carry,
            OnStandby::Redirect(()) => Self::Redirect(None),
        })
    }
}

/// It becomes part of a header: a scheme, a host, perhaps a port, and something of the leader's in it.
fn address(entry: Entry<'_>) -> Result<String, Fault> {
    let text = entry.text()?;
    let host = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or_default();
    let bare = host.replace("{host}", "h").replace("{node}", "n");
    let plain = bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(&byte));
    if host.is_empty() || !plain || text.len() > BYTES_MAX {
        return Err(entry.fault(format!("{} is no address to redirect to", quoted(text)), EXAMPLE));
    }
    if bare == host {
        return Err(entry.fault(format!("{} is the same whoever leads", quoted(text)), EXAMPLE));
    }
    Ok(text.to_owned())
}
