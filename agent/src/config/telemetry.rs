//! `[telemetry]`: where to tell of what happens, beside this agent's own pages.

use super::entry::Entry;
use super::fault::{Fault, quoted};
use super::section::Section;

/// Keys of `[telemetry]`.
pub(super) const KEYS: &[&str] = &["otlp"];

/// The path that every collector takes traces at.
const TRACES: &str = "/v1/traces";

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Telemetry {
    /// The URL that takes traces, one of each change of leader: OTLP over HTTP, as JSON.
    pub otlp: Option<String>,
}

impl Telemetry {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Fault> {
        Ok(Self { otlp: section.maybe("otlp", collector)? })
    }
}

fn collector(entry: Entry<'_>) -> Result<String, Fault> {
    let text = entry.text()?;
    let wrong = || {
        let advice = "a collector as in \"http://127.0.0.1:4318\"; one on this machine can speak TLS for us";
        entry.fault(format!("{} is not a collector's address", quoted(text)), advice)
    };
    let url = reqwest::Url::parse(text).map_err(|_| wrong())?;
    if url.scheme() != "http" || !url.has_host() || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong());
    }
    let base = text.trim_end_matches('/');
    Ok(if base.ends_with(TRACES) { base.to_owned() } else { format!("{base}{TRACES}") })
}
