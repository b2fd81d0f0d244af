//! The terminal: drawn in place where there is one, lines one after the other where there is none.

use std::io::{self, IsTerminal, Write};

use super::paint::Line;
use crate::fit::window;

/// Assumed where nobody says.
const WIDTH: usize = 120;
const HEIGHT: usize = 40;

/// See the module. Gives the cursor back when it is dropped.
#[derive(Debug)]
pub(super) struct Screen {
    live: bool,
    colour: bool,
    /// Lines of the picture that is on the screen.
    drawn: usize,
}

impl Screen {
    pub(super) fn new() -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let live = io::stdout().is_terminal() && !dumb;
        let colour = live && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        if live {
            say("\x1b[?25l");
            // A panic must not leave the terminal without its cursor.
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                say("\x1b[?25h");
                before(panic);
            }));
        }
        Self { live, colour, drawn: 0 }
    }

    /// Whether pictures are drawn in place.
    pub(super) const fn is_live(&self) -> bool {
        self.live
    }

    /// Columns and lines.
    pub(super) fn size(&self) -> (usize, usize) {
        window().filter(|_| self.live).unwrap_or((WIDTH, HEIGHT))
    }

    /// Draws a picture over the last one. Returns whether somebody can still see it.
    pub(super) fn draw(&mut self, lines: &[Line]) -> bool {
        let (width, height) = self.size();
        // What is above the top of the screen cannot be drawn over.
        let lines = &lines[..lines.len().min(height.saturating_sub(1))];
        let mut text = String::from("\r");
        if self.drawn > 0 {
            text += &format!("\x1b[{}A", self.drawn);
        }
        for line in lines {
            text += &line.print(width, self.colour);
            text += "\x1b[K\n";
        }
        self.drawn = lines.len();
        say(&(text + "\x1b[J"))
    }

    /// Takes the picture away.
    pub(super) fn clear(&mut self) {
        if self.drawn > 0 {
            say(&format!("\r\x1b[{}A\x1b[J", self.drawn));
            self.drawn = 0;
        }
    }

    /// Prints lines that stay. Nothing is cut where nothing is redrawn.
    pub(super) fn print(&self, lines: &[Line]) -> bool {
        let width = if self.live { self.size().0 } else { usize::MAX };
        let text: String = lines.iter().map(|line| line.print(width, self.colour) + "\n").collect();
        say(&text)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.live {
            say("\x1b[?25h");
        }
    }
}

fn say(text: &str) -> bool {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}
