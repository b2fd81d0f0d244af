//! One page of numbers: families of them, each with its name, a word on it, and its labels.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::buckets::Counted;

/// The labels of one number.
pub(super) type Labels = Vec<(&'static str, String)>;

/// See the module.
pub(super) struct Page<'a>(pub(super) DescriptorEncoder<'a>);

impl Page<'_> {
    /// What goes up and down.
    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels, f64)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Gauge, rows, |row, number| row.encode_gauge(&number))
    }

    /// What only grows; `_total` is added to its name.
    pub(super) fn counter(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels, u64)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Counter, rows, |row, number| {
            row.encode_counter::<NoLabelSet, _, f64>(&number, None)
        })
    }

    /// How long things took.
    pub(super) fn times(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels, Counted)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Histogram, rows, |row, counted| {
            row.encode_histogram::<NoLabelSet>(counted.sum, counted.count, &counted.buckets, None)
        })
    }

    fn family<N>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        rows: impl IntoIterator<Item = (Labels, N)>,
        encode: impl Fn(&mut MetricEncoder<'_>, N) -> fmt::Result,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        for (labels, number) in rows {
            // An empty set of labels would be written as one.
            if labels.is_empty() {
                encode(&mut family, number)?;
            } else {
                encode(&mut family.encode_family(&labels)?, number)?;
            }
        }
        Ok(())
    }
}

/// One number without labels.
pub(super) fn one<N>(number: N) -> [(Labels, N); 1] {
    [(Labels::new(), number)]
}
