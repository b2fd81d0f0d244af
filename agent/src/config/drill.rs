//! `[group.drill]`: a fire drill on schedule, and how long clients may wait in it.

use super::entry::Entry;
use super::fault::{Fault, quoted};
use super::section::Section;
use hotseat_client::DrillKind;
use std::time::Duration;

/// Keys of `[group.drill]`.
pub(super) const KEYS: &[&str] = &["every", "at", "kind", "max"];
const KINDS: &[(&str, DrillKind)] =
    &[("switchover", DrillKind::Switchover), ("crash", DrillKind::Crash), ("freeze", DrillKind::Freeze)];
const AT: &str = "an hour of the day in UTC, as \"03:00\"";

/// Fire drills of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drill {
    /// How often; never by itself otherwise.
    pub every: Option<Duration>,
    /// At what time of the day, in UTC, from midnight on.
    pub at: Option<Duration>,
    /// How the leader falls.
    pub kind: DrillKind,
    /// How long clients may wait.
    pub max: Option<Duration>,
}

impl Default for Drill {
    fn default() -> Self {
        Self { every: None, at: None, kind: DrillKind::Switchover, max: None }
    }
}

impl Drill {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Fault> {
        let every = section.maybe("every", Entry::pause)?;
        if let (None, Some(at)) = (every, section.get("at")) {
            return Err(at.fault("\"at\" says when, but nothing how often", "add every = \"7d\""));
        }
        Ok(Self {
            every,
            at: section.maybe("at", time_of_day)?,
            kind: section.or("kind", |entry| entry.word("kind", KINDS), DrillKind::Switchover)?,
            max: section.maybe("max", Entry::pause)?,
        })
    }
}

fn time_of_day(entry: Entry<'_>) -> Result<Duration, Fault> {
    let text = entry.text()?;
    let number = |text: &str, below: u64| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number: &u64| digits && *number < below)
    };
    let time = text.split_once(':').and_then(|(hours, minutes)| Some((number(hours, 24)?, number(minutes, 60)?)));
    let (hours, minutes) = time.ok_or_else(|| entry.fault(format!("{} is no time of day", quoted(text)), AT))?;
    Ok(Duration::from_secs(hours * 3600 + minutes * 60))
}
