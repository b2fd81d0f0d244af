//! Lengths of time as people read them.

use std::time::Duration;

/// Below this people want milliseconds.
const SHORT: Duration = Duration::from_secs(10);

/// `583 ms`, or the two largest units: `42 s`, `3 min 5 s`, `4 d 2 h`.
#[must_use]
pub fn in_words(time: Duration) -> String {
    if time < SHORT { format!("{} ms", time.as_millis()) } else { in_units(time) }
}

/// The two largest units, from seconds on: `0 s`, `3 min 5 s`, `4 d 2 h`.
#[must_use]
pub fn in_units(time: Duration) -> String {
    let all = time.as_secs();
    let (days, hours, minutes, seconds) = (all / 86_400, all / 3600 % 24, all / 60 % 60, all % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {seconds} s"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (_, _, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_largest_units() {
        let cases = [(9_999, "9999 ms"), (10_000, "10 s"), (185_000, "3 min 5 s"), (7_260_000, "2 h 1 min")];
        for (millis, words) in cases {
            assert_eq!(in_words(Duration::from_millis(millis)), words);
        }
        assert_eq!(in_units(Duration::from_secs(353_000)), "4 d 2 h");
        assert_eq!(in_units(Duration::from_millis(400)), "0 s");
    }
}
