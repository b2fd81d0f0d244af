//! Text with a little colour, cut to the width of a terminal. Colour is never the only sign.

use unicode_width::UnicodeWidthStr;

use crate::fit::cut;

/// How a piece looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Bold,
    Faint,
    Good,
    Bad,
}

impl Paint {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Faint => "\x1b[2m",
            Self::Good => "\x1b[1;32m",
            Self::Bad => "\x1b[1;31m",
        }
    }
}

/// One line, piece by piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(Paint, String)>);

impl Line {
    pub(super) fn new(paint: Paint, text: impl Into<String>) -> Self {
        Self(vec![(paint, text.into())])
    }

    /// Adds a piece.
    pub(super) fn and(mut self, paint: Paint, text: impl Into<String>) -> Self {
        self.0.push((paint, text.into()));
        self
    }

    /// As it is printed: no wider than `width`, coloured if there is colour.
    pub(super) fn print(&self, width: usize, colour: bool) -> String {
        let (mut printed, mut left) = (String::new(), width);
        for (paint, text) in &self.0 {
            let text = cut(text, &mut left);
            match paint.code() {
                code if colour && !code.is_empty() && !text.is_empty() => printed += &format!("{code}{text}\x1b[0m"),
                _ => printed += &text,
            }
        }
        String::from(printed.trim_end())
    }
}

/// Fills a text up to a width.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_to_the_width() {
        let line = Line::new(Paint::Plain, "ab▇").and(Paint::Good, "cd\u{7}");
        let check = |width, colour, expected: &str| assert_eq!(line.print(width, colour), expected);
        check(9, false, "ab▇cd");
        check(4, false, "ab▇c");
        check(3, true, "ab▇");
        check(4, true, "ab▇\u{1b}[1;32mc\u{1b}[0m");
        check(0, true, "");
    }
}
