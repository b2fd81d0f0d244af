//! A table of the file, as it was parsed but not yet believed: the raw side of the configuration.
//!
//! The tables are walked by hand and not through serde, because serde loses the place of a value
//! inside untagged enums (`failback`, `timing`, `ready`), and a mistake has to be shown where it is.
//! Every table is opened with all the keys it may hold, so an unknown one is never passed over.

use super::entry::Entry;
use super::fault::{Fault, Spot, quoted};
use super::words::nearest;
use std::path::Path;
use toml::de::DeTable;

/// A table with known keys.
pub(super) struct Section<'a> {
    /// As the user writes it: `[node]`.
    name: &'static str,
    spot: Spot,
    table: &'a DeTable<'a>,
    base: &'a Path,
    keys: &'static [&'static str],
}

impl<'a> Section<'a> {
    /// Opens a table that may hold `keys` and no others. Relative paths in it start at `base`.
    pub(super) fn open(
        name: &'static str,
        spot: Spot,
        table: &'a DeTable<'a>,
        base: &'a Path,
        keys: &'static [&'static str],
    ) -> Result<Self, Fault> {
        let section = Self { name, spot, table, base, keys };
        let unknown = table.keys().filter(|key| !keys.contains(&key.get_ref().as_ref()));
        match unknown.min_by_key(|key| key.span().start) {
            Some(key) => Err(section.unknown(key.get_ref(), key.span())),
            None => Ok(section),
        }
    }

    fn unknown(&self, key: &str, spot: Spot) -> Fault {
        let advice = match nearest(key, self.keys.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("known here: {}", self.keys.join(", ")),
        };
        Fault::new(spot, format!("unknown key {} in {}", quoted(key), self.name), advice)
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&self, key: &'static str) -> Option<Entry<'a>> {
        debug_assert!(self.keys.contains(&key), "{key} is not among the keys of {}", self.name);
        self.table.get(key).map(|value| Entry { key, value, base: self.base })
    }

    /// The value of a key that has to be there; `example` is what one might write.
    pub(super) fn need(&self, key: &'static str, example: &str) -> Result<Entry<'a>, Fault> {
        self.get(key).ok_or_else(|| self.fault(format!("{} has no \"{key}\"", self.name), format!("add {example}")))
    }

    /// The value of a key, read, if it is there.
    pub(super) fn maybe<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(Entry<'a>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        self.get(key).map(read).transpose()
    }

    /// The value of a key, read, or a default.
    pub(super) fn or<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(Entry<'a>) -> Result<T, Fault>,
        default: T,
    ) -> Result<T, Fault> {
        Ok(self.maybe(key, read)?.unwrap_or(default))
    }

    /// The only key of `choices` that is there; it is a mistake to give none or several.
    pub(super) fn one_of(&self, choices: &[&'static str], example: &str) -> Result<Entry<'a>, Fault> {
        let mut given = choices.iter().filter_map(|key| self.get(key));
        match (given.next(), given.next()) {
            (Some(only), None) => Ok(only),
            (Some(_), Some(second)) => {
                let advice = format!("only one of {} at a time", choices.join(", "));
                Err(Fault::new(second.key_spot(self.table), format!("\"{}\" is one too many", second.key), advice))
            }
            (None, _) => {
                let what = format!("{} needs one of {}", self.name, choices.join(", "));
                Err(self.fault(what, format!("add {example}")))
            }
        }
    }

    /// A mistake of the table as a whole, shown at its header.
    pub(super) fn fault(&self, what: impl Into<String>, advice: impl Into<String>) -> Fault {
        Fault::new(self.spot.clone(), what, advice)
    }

    /// Where the table starts.
    pub(super) fn spot(&self) -> Spot {
        self.spot.clone()
    }
}
