//! Few numbers out of many: nearest ranks, nothing smoothed.

use std::time::Duration;

/// Measured values, sorted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(Vec<Duration>);

impl FromIterator<Duration> for Series {
    fn from_iter<I: IntoIterator<Item = Duration>>(values: I) -> Self {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_unstable();
        Self(values)
    }
}

impl Series {
    /// The smallest value that so many per cent of all do not exceed; with 30 values, p99 is the largest.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }

    pub(crate) fn min(&self) -> Duration {
        self.percentile(0)
    }

    pub(crate) fn max(&self) -> Duration {
        self.percentile(100)
    }
}

/// Milliseconds, as tables show them.
pub(crate) fn ms(value: Duration) -> String {
    format!("{:.1}", value.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_ranks() {
        let series: Series = (1..=30).rev().map(Duration::from_millis).collect();
        let seen = [series.min(), series.percentile(50), series.percentile(99), series.max()];
        assert_eq!(seen.map(|it| it.as_millis()), [1, 15, 30, 30]);
        assert_eq!(Series::default().max(), Duration::ZERO);
    }
}
