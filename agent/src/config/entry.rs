//! One value of the file, and the ways to read it.
//!
//! Each way checks the type and the bounds, and points at the value itself when they are wrong.

use super::duration::{self, NotADuration};
use super::fault::{Fault, Spot, quoted};
use super::section::Section;
use super::words::{self, plain};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Nothing that is repeated may be repeated without a pause.
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// A key's value.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) key: &'static str,
    pub(super) value: &'a Spanned<DeValue<'a>>,
    pub(super) base: &'a Path,
}

impl<'a> Entry<'a> {
    /// Where the value stands.
    pub(super) fn spot(&self) -> Spot {
        self.value.span()
    }

    /// Where the key stands in `table`.
    pub(super) fn key_spot(&self, table: &DeTable<'_>) -> Spot {
        table.get_key_value(self.key).map_or_else(|| self.spot(), |(key, _)| key.span())
    }

    /// A mistake in this value.
    pub(super) fn fault(&self, what: impl Into<String>, advice: impl Into<String>) -> Fault {
        Fault::new(self.spot(), what, advice)
    }

    /// It should have been something else.
    pub(super) fn wrong_type(&self, expected: &str) -> Fault {
        let found = kind(self.value.get_ref());
        self.fault(format!("wrong type for \"{}\"", self.key), format!("expected {expected}, found {found}"))
    }

    /// Text without NUL bytes, which no argument, path or name can hold.
    pub(super) fn text(self) -> Result<&'a str, Fault> {
        let text = self.value.get_ref().as_str().ok_or_else(|| self.wrong_type("a string"))?;
        if text.contains('\0') {
            return Err(self.fault(format!("\"{}\" holds a NUL character", self.key), "leave \\u0000 out"));
        }
        Ok(text)
    }

    /// Text of at least one character.
    pub(super) fn filled(self) -> Result<&'a str, Fault> {
        match self.text()? {
            "" => Err(self.fault(format!("\"{}\" is empty", self.key), "write something, or leave the key out")),
            text => Ok(text),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(self) -> Result<bool, Fault> {
        self.value.get_ref().as_bool().ok_or_else(|| self.wrong_type("true or false"))
    }

    /// A whole number within bounds.
    pub(super) fn number(self, bounds: RangeInclusive<i64>) -> Result<i64, Fault> {
        let integer = self.value.get_ref().as_integer().ok_or_else(|| self.wrong_type("a whole number"))?;
        match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) if bounds.contains(&number) => Ok(number),
            _ => {
                let advice = format!("a whole number from {} to {}", bounds.start(), bounds.end());
                Err(self.fault(format!("\"{}\" is out of range", self.key), advice))
            }
        }
    }

    /// How often something is done: at least once.
    pub(super) fn times(self) -> Result<u32, Fault> {
        self.number(1..=1_000_000).map(|n| u32::try_from(n).expect("the bounds fit"))
    }

    /// A duration; zero is one.
    pub(super) fn duration(self) -> Result<Duration, Fault> {
        match self.value.get_ref() {
            DeValue::Integer(n) => Err(self.no_unit(n.as_str())),
            DeValue::Float(n) => Err(self.no_unit(n.as_str())),
            _ => {
                let text = self.text()?;
                duration::parse(text).map_err(|why| self.not_a_duration(text, &why))
            }
        }
    }

    fn not_a_duration(&self, text: &str, why: &NotADuration) -> Fault {
        match why {
            NotADuration::NoUnit => self.no_unit(text),
            NotADuration::TooLong => self.fault(format!("{} is too long", quoted(text)), "at most a year: \"8760h\""),
            NotADuration::Malformed => self.fault(
                format!("{} is not a duration", quoted(text)),
                "a number and a unit out of ms, s, m, h, d: \"500ms\", \"1.5s\", \"10m\"",
            ),
        }
    }

    fn no_unit(&self, number: &str) -> Fault {
        let number: String = number.chars().take(20).collect();
        let advice = format!("a duration is text with a unit out of ms, s, m, h, d: \"{number}s\" or \"{number}ms\"");
        self.fault(format!("\"{}\" has no unit", self.key), advice)
    }

    /// A duration of at least a millisecond.
    pub(super) fn pause(self) -> Result<Duration, Fault> {
        match self.duration()? {
            short if short < PAUSE_MIN => Err(self.fault(format!("\"{}\" is too short", self.key), "at least \"1ms\"")),
            pause => Ok(pause),
        }
    }

    /// A path; a relative one starts at the configuration file.
    pub(super) fn path(self) -> Result<PathBuf, Fault> {
        Ok(self.base.join(self.filled()?))
    }

    /// The values of an array.
    pub(super) fn items(self, of: &str) -> Result<Vec<Entry<'a>>, Fault> {
        let items = self.value.get_ref().as_array().ok_or_else(|| self.wrong_type(of))?;
        Ok(items.iter().map(|value| Entry { value, ..self }).collect())
    }

    /// One command: a program and its arguments.
    pub(super) fn argv(self) -> Result<Vec<String>, Fault> {
        let example = "a list, the program and its arguments: [\"sleep\", \"5\"]";
        let items = self.items(example)?;
        let Some(program) = items.first() else {
            return Err(self.fault(format!("\"{}\" is empty", self.key), example));
        };
        program.filled()?;
        items.into_iter().map(|item| item.text().map(str::to_owned)).collect()
    }

    /// One word out of a list; `kind` says what the words are.
    pub(super) fn word<T: Copy>(self, kind: &str, words: &[(&str, T)]) -> Result<T, Fault> {
        let typed = self.text()?;
        let found = words.iter().find(|(word, _)| *word == typed);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.fault(format!("unknown {kind} {}", quoted(typed)), words::advice(typed, &known))
        })
    }

    /// As [`Self::word`], with other spellings: `(theirs, ours)`, in any case and with `_` for `-`.
    pub(super) fn word_or<T: Copy>(self, kind: &str, words: &[(&str, T)], others: &[(&str, T)]) -> Result<T, Fault> {
        let typed = plain(self.text()?);
        match words.iter().chain(others).find(|(word, _)| *word == typed) {
            Some((_, meaning)) => Ok(*meaning),
            None => self.word(kind, words),
        }
    }

    /// An address to listen at.
    pub(super) fn address(self) -> Result<SocketAddr, Fault> {
        let text = self.text()?;
        let address: SocketAddr = text.parse().map_err(|_| self.not_an_address(text))?;
        if address.port() == 0 && !address.ip().is_loopback() {
            let what = format!("{} has no port that others could know", quoted(text));
            return Err(self.fault(what, "port 0 (any free one) is for loopback; name a port"));
        }
        Ok(address)
    }

    fn not_an_address(&self, text: &str) -> Fault {
        let guesses = [
            text.replacen("localhost", "127.0.0.1", 1),
            format!("0.0.0.0{text}"),
            format!("{text}:7700"),
            format!("[{text}]:7700"),
        ];
        let advice = match guesses.into_iter().find(|guess| guess.parse::<SocketAddr>().is_ok()) {
            Some(guess) => format!("an IP address and a port · did you mean \"{guess}\"?"),
            None => "an IP address and a port, as in \"10.0.0.101:7700\"".to_owned(),
        };
        self.fault(format!("{} is not an address", quoted(text)), advice)
    }

    /// A table with known keys.
    pub(super) fn section(self, name: &'static str, keys: &'static [&'static str]) -> Result<Section<'a>, Fault> {
        let table = self.value.get_ref().as_table().ok_or_else(|| self.wrong_type("a table"))?;
        Section::open(name, self.spot(), table, self.base, keys)
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
