//! What fits on a terminal.

use std::io;

use hotseat_client::is_hidden;
use unicode_width::UnicodeWidthChar;

/// Columns and lines of the terminal behind standard output, if there is one.
pub(crate) fn window() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_col > 0)?;
    Some((usize::from(size.ws_col), usize::from(size.ws_row)))
}

/// What of a text fits in the columns that are left; hidden characters are left out, a terminal might obey them.
pub(crate) fn cut(text: &str, left: &mut usize) -> String {
    let mut fits = String::new();
    for c in text.chars().filter(|c| !is_hidden(*c)) {
        let Some(width) = c.width() else { continue };
        if width > *left {
            *left = 0;
            break;
        }
        *left -= width;
        fits.push(c);
    }
    fits
}

/// A line as lines of at most this width, broken between words; those that follow are as far in as the first.
pub(crate) fn wrap(line: &str, width: usize) -> Vec<String> {
    // Without control characters: lengths are places in it from here on.
    let mut endless = usize::MAX;
    let line = cut(line, &mut endless);
    let margin = line.len() - line.trim_start_matches(' ').len();
    // Where the margin takes it all there is no room for words.
    let margin = " ".repeat(if margin < width / 2 { margin } else { 0 });
    let (mut all, mut rest) = (Vec::new(), line.as_str());
    loop {
        let mut left = width;
        let start = if all.is_empty() { String::new() } else { cut(&margin, &mut left) };
        let fits = cut(rest, &mut left).len();
        if fits == rest.len() || fits == 0 {
            all.push(start + &rest[..fits]);
            return all;
        }
        let words = |at: &usize| !rest[..*at].trim_start().is_empty();
        let whole = rest[fits..].starts_with(' ').then_some(fits);
        let end = whole.or_else(|| rest[..fits].rfind(' ').filter(words)).unwrap_or(fits);
        all.push(start + rest[..end].trim_end());
        rest = rest[end..].trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_goes_on_below() {
        let check = |line: &str, width, expected: &[&str]| assert_eq!(wrap(line, width), expected, "{line:?} {width}");
        check("", 10, &[""]);
        check("just fits", 9, &["just fits"]);
        check("  add a third node", 12, &["  add a", "  third node"]);
        check("one longerthanthat", 8, &["one", "longerth", "anthat"]);
        check("two ends here", 8, &["two ends", "here"]);
        check("        far in", 10, &["        fa", "r in"]);
        check("ab ●●●", 3, &["ab", "●●●"]);
        check("ab● ●", 3, &["ab●", "●"]);
        check("a\tbc\x1b d", 3, &["abc", "d"]);
        check("whatever", 0, &[""]);
    }
}
