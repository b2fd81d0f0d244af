//! A mistake in the file while it is being read: where it is and what would be right.
//!
//! It knows places as byte ranges only; [`super::excerpt`] turns them into lines and columns.

use std::ops::Range;

/// Where something stands in the file, in bytes.
pub(super) type Spot = Range<usize>;

/// Longest piece of the file that is repeated in a message.
const QUOTE_MAX: usize = 60;

/// One mistake, not yet shown.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) spot: Spot,
    pub(super) what: String,
    pub(super) advice: String,
    /// The earlier place this one contradicts.
    pub(super) first: Option<Spot>,
}

impl Fault {
    pub(super) fn new(spot: Spot, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { spot, what: what.into(), advice: advice.into(), first: None }
    }

    /// Names the earlier place this one contradicts.
    pub(super) fn first(mut self, first: Spot) -> Self {
        self.first = Some(first);
        self
    }
}

/// A piece of the file in quotes, harmless to a terminal and of bounded length.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(QUOTE_MAX).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("\"{}{more}\"", short.escape_debug())
}
