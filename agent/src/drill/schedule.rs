//! When the next drill of a group is due. It reads no clock.

use std::time::{Duration, SystemTime};

use super::book::History;
use crate::config::Drill;

/// With `at`, a drill begins within this of it, or on another day.
const WINDOW: Duration = Duration::from_secs(3600);

/// One that was called off is tried again after this, or after a quarter of the period if that is less.
const AGAIN: Duration = Duration::from_secs(3600);

const DAY: u64 = 86_400;

/// Whether a drill is due.
pub(super) fn is_due(drill: &Drill, history: &History, now: SystemTime) -> bool {
    let Some(every) = drill.every else { return false };
    let time = |text: &str| humantime::parse_rfc3339(text).ok();
    let (since, period) = match history.drills.first() {
        // Nothing happened: it does not count as one.
        Some(last) if last.to.as_ref() == Some(&last.from) => (time(&last.at), every.min(AGAIN).min(every / 4)),
        Some(last) => (time(&last.at), every),
        None => (history.from.as_deref().and_then(time), every),
    };
    // The clock of another node may be ahead of ours.
    let passed = since.map_or(Duration::ZERO, |since| now.duration_since(since).unwrap_or_default());
    match drill.at {
        None => passed >= period,
        // Each begins a little after its time: so that the next is due on the day it should be.
        Some(at) => passed >= period.saturating_sub(WINDOW) && within(at, now),
    }
}

fn within(at: Duration, now: SystemTime) -> bool {
    let of_day = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs() % DAY);
    (of_day + DAY - at.as_secs()) % DAY < WINDOW.as_secs()
}

#[cfg(test)]
mod tests {
    use hotseat_client::{Drill as Done, DrillKind, DrillOrder};

    use super::*;

    fn history(from: Option<&str>, last: Option<(&str, &str)>) -> History {
        let done = |(at, to): (&str, &str)| Done {
            id: 1,
            at: at.into(),
            who: String::from("schedule"),
            order: DrillOrder { kind: DrillKind::Switchover, max_ms: None, force: false, reason: None },
            from: String::from("n1"),
            to: Some(to.into()),
            epoch: 1,
            outage_ms: None,
            passed: true,
            text: String::new(),
            watchers: Vec::new(),
        };
        History { from: from.map(str::to_owned), drills: last.map(done).into_iter().collect() }
    }

    fn check(at: Option<&str>, history: &History, now: &str, due: bool) {
        let at = at.map(|at| Duration::from_secs(at[..2].parse::<u64>().expect("hours") * 3600));
        let drill = Drill { every: Some(Duration::from_secs(7 * DAY)), at, ..Drill::default() };
        assert_eq!(is_due(&drill, history, humantime::parse_rfc3339(now).expect("a time")), due, "{now}");
    }

    #[test]
    fn once_in_a_period() {
        let never = history(Some("2026-11-01T00:00:00Z"), None);
        check(None, &never, "2026-11-07T23:59:00Z", false);
        check(None, &never, "2026-11-08T00:00:00Z", true);
        check(None, &history(None, None), "2026-11-08T00:00:00Z", false);
        let done = history(Some("2026-10-01T00:00:00Z"), Some(("2026-11-08T00:00:01Z", "n2")));
        check(None, &done, "2026-11-14T00:00:00Z", false);
        check(None, &done, "2026-11-15T00:00:01Z", true);
        check(None, &done, "2026-11-01T00:00:00Z", false);
    }

    #[test]
    fn what_was_called_off_is_tried_again_soon() {
        let off = history(None, Some(("2026-11-08T00:00:00Z", "n1")));
        check(None, &off, "2026-11-08T00:59:00Z", false);
        check(None, &off, "2026-11-08T01:00:00Z", true);
    }

    #[test]
    fn at_an_hour_of_the_day() {
        let done = history(None, Some(("2026-11-08T03:00:04Z", "n2")));
        check(Some("03"), &done, "2026-11-14T03:00:00Z", false);
        check(Some("03"), &done, "2026-11-15T02:59:59Z", false);
        check(Some("03"), &done, "2026-11-15T03:00:00Z", true);
        check(Some("03"), &done, "2026-11-15T04:00:00Z", false);
        check(Some("03"), &done, "2026-11-16T03:30:00Z", true);
        check(Some("23"), &done, "2026-11-16T00:30:00Z", false);
    }
}
