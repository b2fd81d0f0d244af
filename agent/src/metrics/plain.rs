//! `OpenMetrics` as the older Prometheus text format, for who asks without saying what they read.
//!
//! They differ in little: there a counter's own name has no `_total`, and the page has an end.

/// Rewrites a page.
pub(super) fn from_open_metrics(page: &str) -> String {
    let mut plain = String::with_capacity(page.len() + 512);
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        let help = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' '));
        let mut counter = |(name, _): &(&str, &str)| lines.peek() == Some(&format!("# TYPE {name} counter").as_str());
        match help.filter(&mut counter) {
            Some((name, words)) => {
                lines.next();
                plain += &format!("# HELP {name}_total {words}\n# TYPE {name}_total counter\n");
            }
            None if line == "# EOF" => {}
            None => plain = plain + line + "\n",
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_named_whole_and_there_is_no_end() {
        let open = "# HELP a Some.\n# TYPE a counter\na_total{b=\"c\"} 1\n# HELP d More.\n# TYPE d gauge\nd 2\n# EOF\n";
        let plain =
            "# HELP a_total Some.\n# TYPE a_total counter\na_total{b=\"c\"} 1\n# HELP d More.\n# TYPE d gauge\nd 2\n";
        assert_eq!(from_open_metrics(open), plain);
    }
}
