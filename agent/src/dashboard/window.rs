//! The stretch of time that a timeline shows. It moves in steps, so that the picture is drawn anew seldom.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hotseat_client::in_units;

use super::moment;

/// The stretches there are: the shortest that shows all that began within the longest.
const STRETCHES: [Duration; 4] = [
    Duration::from_secs(10 * 60),
    Duration::from_secs(60 * 60),
    Duration::from_secs(6 * 60 * 60),
    Duration::from_secs(24 * 60 * 60),
];

/// It moves on by this part of itself.
const STEPS: u32 = 120;

/// Its whole width.
const WIDTH: u128 = 1000;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    from: SystemTime,
    length: Duration,
    /// Nothing is drawn beyond: it has not been yet.
    seen: SystemTime,
}

impl Window {
    /// The stretch until now in which leaderships began then.
    pub(super) fn around(began: impl Iterator<Item = SystemTime>, now: SystemTime) -> Self {
        let longest = STRETCHES[STRETCHES.len() - 1];
        let ages = began.filter_map(|began| now.duration_since(began).ok()).filter(|age| *age < longest);
        let oldest = ages.max().unwrap_or(longest);
        let length = STRETCHES.into_iter().find(|stretch| *stretch > oldest).unwrap_or(longest);
        let step = length / STEPS;
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let steps = u32::try_from(since.as_nanos() / step.as_nanos()).unwrap_or(u32::MAX);
        let seen = UNIX_EPOCH + step * steps;
        Self { from: seen + step - length, length, seen }
    }

    /// From when to when it reaches, in words.
    pub(super) fn words(&self) -> String {
        in_units(self.length).trim_end_matches(" 0 s").trim_end_matches(" 0 min").replace("1 d 0 h", "24 h")
    }

    /// Where a time stands, in thousandths of the width: its beginning and its width, which is never less than `least`.
    /// Nothing if it is not in the picture.
    pub(super) fn part(&self, from: SystemTime, to: SystemTime, least: u32) -> Option<(u32, u32)> {
        if to < self.from {
            return None;
        }
        let start = self.place(from);
        let end = self.place(to.min(self.seen)).max(start);
        let width = (end - start).max(least);
        Some((start.min(1000 - width), width))
    }

    fn place(&self, at: SystemTime) -> u32 {
        let after = at.duration_since(self.from).unwrap_or_default().min(self.length);
        u32::try_from(after.as_nanos() * WIDTH / self.length.as_nanos()).unwrap_or(0)
    }

    /// Times to write below it, from left to right.
    pub(super) fn marks(&self) -> [String; 3] {
        let mark = |at: SystemTime| moment::words(at).split(' ').next_back().unwrap_or_default()[..5].to_owned();
        [mark(self.from), mark(self.from + self.length / 2), mark(self.from + self.length)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SystemTime {
        moment::parse(text).expect("a time")
    }

    #[test]
    fn the_shortest_that_shows_all() {
        let now = at("2026-11-20T12:00:00Z");
        let words = |began: &[&str]| Window::around(began.iter().map(|it| at(it)), now).words();
        assert_eq!(words(&["2026-11-20T11:59:00Z"]), "10 min");
        assert_eq!(words(&["2026-11-20T11:59:00Z", "2026-11-20T11:30:00Z"]), "1 h");
        assert_eq!(words(&["2026-11-19T13:00:00Z"]), "24 h");
        assert_eq!(words(&["2026-01-01T00:00:00Z"]), "24 h", "it has led for long");
        assert_eq!(words(&[]), "24 h");
    }

    #[test]
    fn what_is_short_is_seen_and_what_is_over_is_not() {
        let now = at("2026-11-20T12:00:00Z");
        let window = Window::around([at("2026-11-19T13:00:00Z")].into_iter(), now);
        assert_eq!(window.part(at("2026-11-18T00:00:00Z"), at("2026-11-18T01:00:00Z"), 4), None);
        let (start, width) = window.part(at("2026-11-20T00:00:00Z"), at("2026-11-20T00:00:01Z"), 4).expect("seen");
        assert!((490..510).contains(&start) && width == 4, "{start} {width}");
        let (start, width) = window.part(at("2026-01-01T00:00:00Z"), now, 4).expect("seen");
        assert!(start == 0 && (980..1000).contains(&width), "{start} {width}");
    }
}
