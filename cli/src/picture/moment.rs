//! When something was, as people read it: the agents' clocks are told in UTC, and it is said.

/// `2026-11-21 20:25:53.152Z`, of what an agent wrote down in RFC 3339. What is no time is shown as it is.
pub(crate) fn moment(at: &str) -> String {
    let Ok(time) = humantime::parse_rfc3339(at) else { return at.to_owned() };
    // Whoever gave whole seconds did not mean more.
    let text =
        if at.contains('.') { humantime::format_rfc3339_millis(time) } else { humantime::format_rfc3339_seconds(time) };
    text.to_string().replacen('T', " ", 1)
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn the_zone_is_told() {
        assert_eq!(moment("2026-11-21T20:25:53.152Z"), "2026-11-21 20:25:53.152Z");
        assert_eq!(moment("2026-11-21T20:25:53.152987654Z"), "2026-11-21 20:25:53.152Z");
        assert_eq!(moment("2026-11-21T20:25:53Z"), "2026-11-21 20:25:53Z");
        assert_eq!(moment("some day"), "some day");
    }
}
