//! What falls short of the aims, found in the data.

use std::time::Duration;

use crate::fault::Aim;
use crate::report::Findings;
use crate::stats::{Series, ms};
use crate::trial::{Result, Seen};

/// Aims for an agent at rest.
pub(crate) const RESIDENT_KB_MAX: u64 = 20 * 1024;
pub(crate) const PERCENT_MAX: f64 = 1.0;
/// And for the simulator: simulated seconds per second of one core.
pub(crate) const RATE_MIN: f64 = 1000.0;

/// An aim in words; a dash where there is none.
pub(crate) fn aimed(aim: Aim) -> String {
    let parts = [("p50", aim.p50), ("p99", aim.p99), ("max", aim.max)];
    let parts: Vec<_> =
        parts.iter().filter_map(|(name, limit)| limit.map(|limit| format!("{name} ≤ {}", limit.as_millis()))).collect();
    if parts.is_empty() { String::from("–") } else { parts.join(", ") }
}

/// Where a series exceeds an aim.
pub(crate) fn exceeded(series: &Series, aim: Aim) -> Vec<String> {
    let found = [
        ("p50", series.percentile(50), aim.p50),
        ("p99", series.percentile(99), aim.p99),
        ("max", series.max(), aim.max),
    ];
    let over = |(name, value, limit): &(&str, Duration, Option<Duration>)| {
        let limit = (*limit)?;
        (*value > limit).then(|| format!("{name} {} ms, aim {} ms", ms(*value), limit.as_millis()))
    };
    found.iter().filter_map(over).collect()
}

/// Both ways in which a client sees an outage.
pub(crate) fn outages(result: &Result) -> [(&'static str, Series); 2] {
    let of = |pick: fn(&Seen) -> Duration| result.seen.iter().map(pick).collect();
    [
        ("fault to the new leader's first answer", of(|it| it.takeover)),
        ("longest wait through a proxy", of(|it| it.wait)),
    ]
}

/// Whether a trial broke a promise rather than an aim.
pub(crate) fn broke(seen: &Seen) -> bool {
    seen.late > 0 || seen.changes != 1
}

/// Everything, one line each.
pub(crate) fn all(findings: &Findings) -> Vec<String> {
    let mut found = Vec::new();
    for series in &findings.faults {
        for result in &series.results {
            let at = format!("{}, store in {}", result.fault.title(), series.place);
            for (what, values) in outages(result) {
                found.extend(exceeded(&values, result.fault.aim()).into_iter().map(|it| format!("{at}: {what}: {it}")));
            }
            for (number, seen) in result.seen.iter().enumerate().filter(|(_, seen)| broke(seen)) {
                let Seen { late, overlap, changes, reason, .. } = seen;
                let overlap = ms(*overlap);
                found.push(format!(
                    "**{at}, trial {}: {late} late answers (overlap {overlap} ms), {changes} changes of leader ({reason})**",
                    number + 1
                ));
            }
        }
    }
    found.extend(rest(findings));
    found
}

fn rest(findings: &Findings) -> Vec<String> {
    let mut found = Vec::new();
    for idle in findings.idle.iter().filter(|idle| idle.what.starts_with("agent")) {
        let at = format!("{} at rest, `{}`", idle.what, idle.timing);
        if idle.resident_kb > RESIDENT_KB_MAX {
            found.push(format!("{at}: {:.1} MB resident, aim 20", idle.resident_kb as f64 / 1024.0));
        }
        if idle.percent > PERCENT_MAX {
            found.push(format!("{at}: {:.2} % of a core, aim 1", idle.percent));
        }
    }
    for swaps in findings.swaps.iter().filter(|swaps| swaps.ratio() < 1.0) {
        found.push(format!(
            "compare and swap, {} clients: {:.2} times as many writes as etcd, aim 1",
            swaps.clients(),
            swaps.ratio()
        ));
    }
    if let Some(rate) = findings.speed.as_ref().and_then(|speed| speed.rate).filter(|rate| *rate < RATE_MIN) {
        found.push(format!("simulator: {rate:.0} simulated seconds per second of a core, aim {RATE_MIN:.0}"));
    }
    for alarms in findings.alarms.iter().filter(|alarms| alarms.changes > 0 || alarms.sessions > 0) {
        found.push(format!(
            "false alarms, store `{}`: {} changes of leader, {} sessions ended, aim 0",
            alarms.store.word(),
            alarms.changes,
            alarms.sessions
        ));
    }
    found
}
