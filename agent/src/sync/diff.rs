//! Two texts side by side, as `diff -u` shows them.

use similar::TextDiff;

/// Lines shown around each difference.
const AROUND: usize = 3;

/// The difference; empty if there is none.
pub(super) fn unified(from: (&str, &str), to: (&str, &str)) -> String {
    let diff = TextDiff::from_lines(from.1, to.1);
    diff.unified_diff().context_radius(AROUND).header(from.0, to.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_line_is_shown_with_what_is_around_it() {
        let text = unified(("version 7", "a\nb\nc\n"), ("n2", "a\nB\nc\n"));
        assert_eq!(text, "--- version 7\n+++ n2\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
        assert_eq!(unified(("a", "x\n"), ("b", "x\n")), "");
    }
}
