//! Durations as people write them: `"500ms"`, `"1.5s"`, `"10m"`, `"1h"`.

use std::time::Duration;

/// Longer than any wait that makes sense, and short enough never to overflow a clock.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);
/// Digits after the point that still count: nanoseconds of a second.
const FRACTION_DIGITS: u32 = 9;

/// Why a text is no duration.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotADuration {
    /// A number alone.
    NoUnit,
    /// Neither a number nor a unit that is known.
    Malformed,
    /// More than a year.
    TooLong,
}

/// Reads a number and a unit out of `ms`, `s`, `m`, `h`, `d`.
pub(super) fn parse(text: &str) -> Result<Duration, NotADuration> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ns = match unit {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        "" if !number.is_empty() => return Err(NotADuration::NoUnit),
        _ => return Err(NotADuration::Malformed),
    };
    let total = nanos(number, unit_ns)?;
    match u64::try_from(total).map(Duration::from_nanos) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        _ => Err(NotADuration::TooLong),
    }
}

fn nanos(number: &str, unit_ns: u128) -> Result<u128, NotADuration> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return Err(NotADuration::Malformed);
    }
    let digits = &fraction[..fraction.len().min(FRACTION_DIGITS as usize)];
    let scale = 10_u128.pow(digits.len() as u32);
    // Only digits are left, so whatever does not fit is too large.
    let whole: u64 = whole.parse().map_err(|_| NotADuration::TooLong)?;
    let part: u64 = digits.parse().map_err(|_| NotADuration::Malformed)?;
    Ok(u128::from(whole) * unit_ns + u128::from(part) * unit_ns / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units() {
        let check = |text, ms| assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        check("0s", 0);
        check("500ms", 500);
        check("1.5s", 1_500);
        check("10m", 600_000);
        check("1h", 3_600_000);
        check("7d", 604_800_000);
        check("0.25m", 15_000);
    }

    #[test]
    fn anything_else_is_refused() {
        let check = |text: &str, why| assert_eq!(parse(text), Err(why), "{text}");
        check("10", NotADuration::NoUnit);
        for text in ["", "s", "10 s", "-1s", "1.s", ".5s", "1.2.3s", "1e3s", "10sec", "١s", "…"] {
            check(text, NotADuration::Malformed);
        }
        check("99999999999999999999s", NotADuration::TooLong);
        check("8761h", NotADuration::TooLong);
    }
}
