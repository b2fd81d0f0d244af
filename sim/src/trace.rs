//! What is written down of a run: every input and action, or the story for people, or nothing.
//!
//! Nothing is formatted unless it is kept: a hunt runs silent, and repeats a failing seed aloud.

use std::fmt::Write;

use hotseat_core::{Action, Input};

use crate::clock::MS;

/// How much to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing.
    Nothing,
    /// What people want to know.
    Story,
    /// Every byte.
    All,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Trace {
    keep: Keep,
    /// The lines so far.
    pub text: String,
}

impl Trace {
    /// Empty.
    #[must_use]
    pub(crate) const fn new(keep: Keep) -> Self {
        Self { keep, text: String::new() }
    }

    /// For people.
    pub(crate) fn story(&mut self, at: u64, who: &str, what: impl FnOnce() -> String) {
        if self.keep != Keep::Nothing {
            let _ = writeln!(self.text, "{:>9}  {who:<4} {}", stamp(at), what());
        }
    }

    /// For those who hunt a mistake.
    pub(crate) fn line(&mut self, at: u64, who: impl FnOnce() -> String, what: impl FnOnce() -> String) {
        if self.keep == Keep::All {
            let _ = writeln!(self.text, "{:>14.6}  {:<4} {}", at as f64 / MS as f64, who(), what());
        }
    }

    /// Whether there is anybody to read a story.
    #[must_use]
    pub(crate) fn told(&self) -> bool {
        self.keep != Keep::Nothing
    }

    /// The last so many lines.
    #[must_use]
    pub(crate) fn tail(&self, lines: usize) -> String {
        let all: Vec<&str> = self.text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

/// Milliseconds with one decimal.
fn stamp(at: u64) -> String {
    format!("{}.{}", at / MS, at % MS * 10 / MS)
}

/// An input in one line.
pub(crate) fn input(input: &Input) -> String {
    match input {
        Input::Looked(look) => {
            let seen = look.records.iter().map(|(key, (version, _))| format!(" {key}@{version}"));
            format!("<- looked, began {:?}:{}", look.began, seen.collect::<String>())
        }
        Input::Tick
        | Input::Hint
        | Input::LookFailed
        | Input::Written(..)
        | Input::Proof(_)
        | Input::Guard(_)
        | Input::Service(..)
        | Input::Reconfigure(_)
        | Input::Asked(..)
        | Input::Answered(..)
        | Input::Withdrawn(..)
        | Input::Kept(..)
        | Input::Drained(..)
        | Input::Stop => format!("<- {input:?}"),
    }
}

/// An action in one line.
pub(crate) fn action(action: &Action) -> String {
    match action {
        Action::Write { ticket, key, expect, record: hotseat_core::Record::Session(it) } => {
            format!(
                "-> write {ticket:?} {key} over {expect:?}: {:?} seq {} {:?} {:?}",
                it.session, it.seq, it.state, it.nonce
            )
        }
        Action::Write { ticket, key, expect, record: hotseat_core::Record::Group(it) } => format!(
            "-> write {ticket:?} {key} over {expect:?}: epoch {} leader {:?} serving {} next {:?} {:?}",
            it.epoch, it.leader, it.serving, it.next, it.reason
        ),
        Action::Write { ticket, key, expect, record: hotseat_core::Record::Orders(it) } => {
            format!("-> write {ticket:?} {key} over {expect:?}: {it:?}")
        }
        Action::Write { ticket, key, expect, record: hotseat_core::Record::Voters(it) } => {
            format!("-> write {ticket:?} {key} over {expect:?}: set {} {:?}", it.number, it.voters)
        }
        Action::Look
        | Action::Renew(_)
        | Action::Ask(..)
        | Action::Answer(..)
        | Action::Keep(..)
        | Action::SpawnGuard
        | Action::AskGuard(_)
        | Action::Guard(_)
        | Action::CheckReady(..)
        | Action::CheckHealth(..)
        | Action::Turn(..)
        | Action::Announce(..)
        | Action::Withdraw(..)
        | Action::Drain(..)
        | Action::Tell(_)
        | Action::Exit(_) => format!("-> {action:?}"),
    }
}
