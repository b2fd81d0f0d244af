//! What is going on, on standard error: a line that overwrites itself on a terminal, one per step elsewhere.

use std::io::{IsTerminal, Write};
use std::time::Instant;

pub(crate) struct Progress {
    what: String,
    began: Instant,
    live: bool,
}

impl Progress {
    pub(crate) fn begin(what: impl Into<String>) -> Self {
        let this = Self { what: what.into(), began: Instant::now(), live: std::io::stderr().is_terminal() };
        eprint!("{} …{}", this.what, if this.live { "" } else { "\n" });
        this
    }

    /// Shown on terminals only.
    pub(crate) fn step(&self, text: &str) {
        if self.live {
            eprint!("\r\x1b[K{} … {text}", self.what);
            drop(std::io::stderr().flush());
        }
    }

    pub(crate) fn end(self, text: &str) {
        let back = if self.live { "\r\x1b[K" } else { "" };
        eprintln!("{back}{}: {text} ({:.0} s)", self.what, self.began.elapsed().as_secs_f64());
    }
}
