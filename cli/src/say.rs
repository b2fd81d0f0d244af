//! Saying something on standard output, to whoever still listens. It never panics when nobody does.

use std::fmt::Display;
use std::io::{self, Write};

use crate::commands::Failed;

/// Prints a text as it is, at once.
///
/// A reader that has gone, as in `hotseat events | head -1`, ends the command quietly.
pub(crate) fn say(text: impl Display) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failed::unheard()),
        Err(error) => Err(Failed::new(format!("standard output: {error}"))),
    }
}

/// Prints a line.
pub(crate) fn say_line(text: impl Display) -> Result<(), Failed> {
    say(format!("{text}\n"))
}
