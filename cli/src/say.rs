//! Saying something on standard output, to whoever still listens. It never panics when nobody does.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use hotseat_client::visible;

use crate::commands::Failed;

/// Prints a text at once; what is hidden in it is made visible, as much of it is what others wrote.
pub(crate) fn say(text: impl Display) -> Result<(), Failed> {
    say_as_it_is(visible(&text.to_string()))
}

/// Prints what may move the cursor: only what is known to be harmless.
///
/// A reader that has gone, as in `hotseat events | head -1`, ends the command quietly.
pub(crate) fn say_as_it_is(text: impl Display) -> Result<(), Failed> {
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

/// A length of time as it may be typed, and read as "for 24h": `1h 30m`, `20s`, `500ms`.
pub(crate) fn length(time: Duration) -> String {
    let millis = time.as_millis();
    let parts =
        [(millis / 3_600_000, "h"), (millis / 60_000 % 60, "m"), (millis / 1000 % 60, "s"), (millis % 1000, "ms")];
    let parts: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if parts.is_empty() { String::from("0s") } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_as_they_are_typed() {
        let check = |millis, text| assert_eq!(length(Duration::from_millis(millis)), text);
        check(0, "0s");
        check(500, "500ms");
        check(86_400_000, "24h");
        check(5_400_000, "1h 30m");
        check(61_001, "1m 1s 1ms");
    }
}
