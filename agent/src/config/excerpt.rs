//! A place in a text, shown the way compilers do: the line, and carets under the very characters.
//!
//! It never prints a control character of the text, and never more of a line than fits a terminal.

use super::fault::Spot;
use std::fmt;
use unicode_width::UnicodeWidthChar;

/// A line longer than this is cut around the place it is shown for.
const CELLS_MAX: usize = 140;
/// How much of a cut line stands before the place.
const CELLS_BEFORE: usize = 40;
/// Tabs are shown as spaces up to the next multiple of this.
const TAB: usize = 4;

/// One line of a text with a run of carets under a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// From 1.
    pub(super) line: usize,
    /// In characters, from 1.
    pub(super) column: usize,
    shown: String,
    indent: usize,
    carets: usize,
}

impl Excerpt {
    /// Cuts the line out in which `spot` starts.
    pub(super) fn new(text: &str, spot: &Spot) -> Self {
        let start = spot.start.min(text.len());
        let before = &text.as_bytes()[..start];
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let line = text[line_start..].lines().next().unwrap_or("");
        let cells = cells(line);
        let first = cells.partition_point(|cell| cell.at < start - line_start);
        let end = cells.partition_point(|cell| cell.at < spot.end.saturating_sub(line_start));
        let window = Window::around(first, cells.len());
        Self {
            line: line_number(text, spot),
            column: line.char_indices().filter(|(at, _)| line_start + at < start).count() + 1,
            shown: window.show(&cells),
            indent: window.cut_left() + columns(&cells[window.from..first]),
            carets: columns(&cells[first..end.clamp(first, window.to)]).max(1),
        }
    }

    /// Writes the line, the carets and what is to be said at them.
    pub(super) fn write(&self, note: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let (indent, carets) = (" ".repeat(self.indent), "^".repeat(self.carets));
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{}", format!("{number} | {}", self.shown).trim_end())?;
        write!(f, "{}", format!("{gutter} | {indent}{carets} {note}").trim_end())
    }
}

/// The number of the line in which `spot` starts, from 1.
pub(super) fn line_number(text: &str, spot: &Spot) -> usize {
    let before = &text.as_bytes()[..spot.start.min(text.len())];
    before.iter().filter(|b| **b == b'\n').count() + 1
}

/// A character as it is shown, and the byte of the line it comes from.
struct Cell {
    glyph: char,
    columns: usize,
    at: usize,
}

fn cells(line: &str) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut column = 0;
    for (at, c) in line.char_indices() {
        let repeat = if c == '\t' { TAB - column % TAB } else { 1 };
        let glyph = if c == '\t' { ' ' } else { harmless(c) };
        let columns = glyph.width().unwrap_or(1);
        cells.extend((0..repeat).map(|_| Cell { glyph, columns, at }));
        column += repeat * columns;
    }
    cells
}

/// What nobody sees, or what turns text around, is shown as a replacement.
fn harmless(c: char) -> char {
    if hotseat_client::is_hidden(c) { char::REPLACEMENT_CHARACTER } else { c }
}

fn columns(cells: &[Cell]) -> usize {
    cells.iter().map(|cell| cell.columns).sum()
}

/// The part of a line that is shown.
struct Window {
    from: usize,
    to: usize,
    all: usize,
}

impl Window {
    fn around(first: usize, all: usize) -> Self {
        let from = if all > CELLS_MAX { first.saturating_sub(CELLS_BEFORE) } else { 0 };
        Self { from, to: all.min(from + CELLS_MAX), all }
    }

    fn cut_left(&self) -> usize {
        usize::from(self.from > 0)
    }

    fn show(&self, cells: &[Cell]) -> String {
        let left = if self.from > 0 { "…" } else { "" };
        let right = if self.to < self.all { "…" } else { "" };
        let middle: String = cells[self.from..self.to].iter().map(|cell| cell.glyph).collect();
        format!("{left}{middle}{right}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, part: &str, line: usize, column: usize, indent: usize, carets: usize) {
        let at = text.find(part).unwrap();
        let excerpt = Excerpt::new(text, &(at..at + part.len()));
        let seen = (excerpt.line, excerpt.column, excerpt.indent, excerpt.carets);
        assert_eq!(seen, (line, column, indent, carets), "{text:?}: {part:?}");
    }

    #[test]
    fn carets_stand_under_the_part() {
        check("a = 1\nb = xx\r\nc = 2", "xx", 2, 5, 4, 2);
        check("\ta\t= xx", "xx", 1, 6, 10, 2);
        check("ä = \"日本\" # xx", "xx", 1, 12, 13, 2);
        check("e\u{301} = xx", "xx", 1, 6, 4, 2);
        check("x", "x", 1, 1, 0, 1);
    }

    #[test]
    fn a_long_line_is_cut() {
        let text = format!("{}xx{}", "a".repeat(5_000), "b".repeat(5_000));
        check(&text, "xx", 1, 5_001, 41, 2);
        let excerpt = Excerpt::new(&text, &(5_000..9_000));
        assert_eq!(excerpt.carets, CELLS_MAX - CELLS_BEFORE);
        assert_eq!(excerpt.shown.chars().count(), CELLS_MAX + 2);
    }

    #[test]
    fn any_place_can_be_shown() {
        for text in ["", "\n", "ä\u{1b}[2J\n日\u{202e}"] {
            for (start, end) in (0..12).flat_map(|start| (0..12).map(move |end| (start, end))) {
                let excerpt = Excerpt::new(text, &(start..end));
                assert!(!excerpt.shown.contains(['\u{1b}', '\u{202e}']));
            }
        }
    }
}
