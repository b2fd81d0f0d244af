//! Numbers for Prometheus and its like: what the agent counts, and its picture, as `GET /metrics` shows them.
//!
//! Counting is a few atomic additions; everything else is worked out when somebody asks.

mod buckets;
mod calls;
mod counts;
mod page;
mod plain;
mod renewals;
mod scrape;

use std::fmt;
use std::sync::Arc;

pub use calls::{CallError, Called};
pub use counts::Counts;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
pub use renewals::Renewals;
use scrape::Scrape;

use crate::snapshot::{Facts, Snapshot};

/// Which text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `OpenMetrics` 1.0.
    Open,
    /// Prometheus, 0.0.4.
    Plain,
}

impl Format {
    /// What somebody who sends this `Accept` reads.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::Open } else { Self::Plain }
    }

    /// Its content type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Open => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The page, as of now.
///
/// # Errors
/// When a number cannot be written, which a string cannot refuse.
pub fn page(snapshot: Arc<Snapshot>, facts: &Facts, format: Format) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("hotseat");
    let cluster = snapshot.cluster(facts);
    let scrape = Scrape { cluster, snapshot, counts: facts.records.counts().clone(), facts: facts.clone() };
    registry.register_collector(Box::new(scrape));
    let mut page = String::new();
    text::encode(&mut page, &registry)?;
    Ok(match format {
        Format::Open => page,
        Format::Plain => plain::from_open_metrics(&page),
    })
}
