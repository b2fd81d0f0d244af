//! Characters that nobody sees, or that make a text read otherwise than it is: terminals obey some, and people are misled
//! by others. What others wrote is refused or shown with them made visible.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether nobody sees this character: control characters, those that turn the direction of a text, and those without
/// width.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    let turns_or_has_no_width = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    c.is_control() || turns_or_has_no_width
}

/// The text with what is hidden made visible, as `\u202e`: what is JSON stays the same JSON. Lines and tabs stay.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| is_hidden(c) && !matches!(c, '\n' | '\t');
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if !hidden(c) {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(shown, "\\u{unit:04x}").expect("a string takes everything");
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_shown() {
        let check = |text: &str, shown: &str| assert_eq!(visible(text), shown);
        check("a disk\tof n1 – für später ▲\n", "a disk\tof n1 – für später ▲\n");
        check("\u{1b}[2J\u{7}\r\u{9b}", "\\u001b[2J\\u0007\\u000d\\u009b");
        check("n1\u{202e}2n\u{200b}\u{2066}", "n1\\u202e2n\\u200b\\u2066");
        check("\u{e0041}", "\\udb40\\udc41");
    }

    #[test]
    fn json_stays_the_same() {
        let text = serde_json::to_string("a\u{202e}b\u{e0041}\u{9b}\u{1b}").expect("a text");
        let read: String = serde_json::from_str(&visible(&text)).expect("still JSON");
        assert_eq!(read, "a\u{202e}b\u{e0041}\u{9b}\u{1b}");
    }
}
