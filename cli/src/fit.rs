//! What fits on a terminal.

use std::io;

use unicode_width::UnicodeWidthChar;

/// Columns and lines of the terminal behind standard output, if there is one.
pub(crate) fn window() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_col > 0)?;
    Some((usize::from(size.ws_col), usize::from(size.ws_row)))
}

/// What of a text fits in the columns that are left; control characters are left out, a terminal might obey them.
pub(crate) fn cut(text: &str, left: &mut usize) -> String {
    let mut fits = String::new();
    for c in text.chars() {
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
