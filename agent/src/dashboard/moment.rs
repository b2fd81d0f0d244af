//! Times of the wall clock, for people. A page that lies open without JavaScript must not grow wrong, so it says when
//! something was; how long ago that is, the script adds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use maud::{Markup, html};

/// `2026-11-20 12:00:03`, in UTC.
pub(super) fn words(at: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(at).to_string();
    text.trim_end_matches('Z').replace('T', " ")
}

/// A moment of today without its date.
pub(super) fn short(at: SystemTime, now: SystemTime) -> String {
    let (text, today) = (words(at), words(now));
    match text.split_once(' ').zip(today.split_once(' ')) {
        Some(((day, time), (today, _))) if day == today => time.to_owned(),
        _ => text,
    }
}

/// What a record says; nothing if it says no time.
pub(super) fn parse(at: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(at).ok().filter(|at| *at >= UNIX_EPOCH)
}

/// A moment, and, for who has JavaScript, how long ago it is.
pub(super) fn since(at: &str, now: SystemTime) -> Markup {
    let Some(at) = parse(at) else { return Markup::default() };
    html! { time datetime=(iso(at)) title="UTC" { (short(at, now)) } span.age data-from=(iso(at)) {} }
}

/// A moment alone.
pub(super) fn at(at: &str, now: SystemTime) -> Markup {
    let Some(at) = parse(at) else { return Markup::default() };
    html! { time datetime=(iso(at)) title="UTC" { (short(at, now)) } }
}

/// The moment so long before now, in whole seconds: what is shown again and again should not tremble.
pub(super) fn ago(now: SystemTime, millis: u64) -> Option<String> {
    let then = now.checked_sub(Duration::from_millis(millis))?;
    Some(iso(then + Duration::from_millis(500)))
}

/// For programs.
fn iso(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn today_needs_no_date() {
        let now = parse("2026-11-20T12:00:03.500Z").expect("a time");
        let day = |text| short(parse(text).expect("a time"), now);
        assert_eq!(day("2026-11-20T01:02:03.999Z"), "01:02:03");
        assert_eq!(day("2026-11-19T23:59:59Z"), "2026-11-19 23:59:59");
        assert_eq!(since("<b>soon</b>", now).into_string(), "");
        assert_eq!(ago(now, 60_000).as_deref(), Some("2026-11-20T11:59:04Z"));
    }
}
