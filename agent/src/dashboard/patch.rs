//! How files differ, line by line. Others wrote every line: it is text, bounded, and reads in the order it is written in.

use hotseat_client::{Difference, is_hidden};
use maud::{Markup, html};

/// Bytes of differences on one page: what somebody reads, of all that members may tell.
const BYTES_MAX: usize = 64 * 1024;

/// Lines likewise.
const LINES_MAX: usize = 2000;

/// What may still be shown.
struct Room {
    bytes: usize,
    lines: usize,
}

/// All differences of one file, as far as there is room.
pub(super) fn patches(path: &str, all: &[Difference]) -> Markup {
    let mut room = Room { bytes: BYTES_MAX, lines: LINES_MAX };
    let drawn: Vec<_> = all.iter().map(|it| patch(it, &mut room)).collect();
    html! {
        @for patch in drawn { (patch) }
        @if room.is_full() { p.banner.warn { "This is not all: " code { "hotseat drift --diff " (path) } " shows the rest." } }
    }
}

fn patch(it: &Difference, room: &mut Room) -> Markup {
    let title = format!("{} → {}", it.from, it.to);
    html! {
        article.card {
            h3 { (title) }
            @match &it.text {
                Some(text) => pre.diff tabindex="0" role="region" aria-label=(title) { (lines(text, room)) },
                None => p { "They differ: " (it.unknown.as_deref().unwrap_or("it is not known how")) "." },
            }
        }
    }
}

fn lines(text: &str, room: &mut Room) -> Markup {
    let shown: Vec<_> = text.lines().enumerate().take_while(|(_, line)| room.takes(line)).collect();
    html! { @for (at, line) in shown { span class=(class(at, line)) { (plain(line)) "\n" } } }
}

impl Room {
    fn takes(&mut self, line: &str) -> bool {
        if self.lines == 0 || self.bytes < line.len() {
            *self = Self { bytes: 0, lines: 0 };
            return false;
        }
        *self = Self { bytes: self.bytes - line.len(), lines: self.lines - 1 };
        true
    }

    const fn is_full(&self) -> bool {
        self.lines == 0
    }
}

/// The first two lines name the sides.
fn class(at: usize, line: &str) -> &'static str {
    match line.as_bytes().first() {
        _ if at < 2 => "side",
        Some(b'+') => "more",
        Some(b'-') => "less",
        Some(b'@') => "hunk",
        _ => "same",
    }
}

/// Nothing in it can be invisible or turn the line around.
fn plain(line: &str) -> String {
    let hidden = |c: char| is_hidden(c) && c != '\t';
    line.chars().map(|c| if hidden(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str) -> String {
        let it = Difference { from: "version 7".into(), to: "n2".into(), text: Some(text.into()), unknown: None };
        patches("conf/a.cfg", &[it]).into_string()
    }

    #[test]
    fn lines_are_told_apart_and_are_text() {
        let drawn = drawn("--- version 7\n+++ n2\n@@ -1 +1 @@\n-<script>alert(1)</script>\n+a\u{202e}b\n");
        assert!(!drawn.contains("<script") && drawn.contains("<span class=\"less\">-&lt;script&gt;"), "{drawn}");
        assert!(drawn.contains("<span class=\"more\">+a\\u{202e}b\n</span>"), "{drawn}");
        assert!(drawn.contains("<span class=\"side\">--- version 7\n</span>"), "{drawn}");
        assert!(!drawn.contains("This is not all"), "{drawn}");
    }

    #[test]
    fn a_page_is_bounded() {
        for hostile in ["+x\n".repeat(LINES_MAX * 2), format!("+{}\n", "x".repeat(BYTES_MAX * 2))] {
            let drawn = drawn(&hostile);
            assert!(drawn.len() < BYTES_MAX * 2 && drawn.contains("This is not all"), "{} bytes", drawn.len());
        }
    }

    #[test]
    fn what_is_not_known_is_said() {
        let it = Difference { from: "n1".into(), to: "n2".into(), text: None, unknown: Some("it is no text".into()) };
        assert!(patches("a", &[it]).into_string().contains("They differ: it is no text."));
    }
}
