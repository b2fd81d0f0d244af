//! The name of a record: one to three segments of `[A-Za-z0-9._-]{1,64}`, such as `session/n1`.
//!
//! A key never leaves the place it is put under: no segment starts with a dot, so there is no `..`.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A checked name; orders and compares as text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<str>);

/// The text is no key; says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadKey(String);

impl Key {
    const SEGMENTS_MAX: usize = 3;
    const SEGMENT_LEN_MAX: usize = 64;

    /// Checks `text` and keeps it.
    ///
    /// # Errors
    /// [`BadKey`], saying which part is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Key, BadKey> {
        let segments = text.split('/').count();
        if segments > Self::SEGMENTS_MAX {
            return Err(bad(text, &format!("has {segments} segments, at most {} are allowed", Self::SEGMENTS_MAX)));
        }
        match text.split('/').find_map(wrong_with) {
            Some(wrong) => Err(bad(text, wrong)),
            None => Ok(Key(Arc::from(text))),
        }
    }

    /// The text it was parsed from.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn wrong_with(segment: &str) -> Option<&'static str> {
    if segment.is_empty() {
        return Some("has an empty segment");
    }
    if segment.len() > Key::SEGMENT_LEN_MAX {
        return Some("has a segment of more than 64 bytes");
    }
    if segment.starts_with('.') {
        return Some("has a segment that starts with a dot");
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if !segment.bytes().all(allowed) {
        return Some("may hold only letters, digits, '.', '_' and '-' between its slashes");
    }
    None
}

fn bad(text: &str, wrong: &str) -> BadKey {
    BadKey(format!("the key \"{}\" {wrong}", text.escape_debug()))
}

/// A key orders as its text does, so a map of keys can be asked by text.
impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.0)
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        Key::parse(<&str>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl std::str::FromStr for Key {
    type Err = BadKey;
    fn from_str(text: &str) -> Result<Key, BadKey> {
        Key::parse(text)
    }
}

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadKey {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_keys_pass() {
        for text in ["a", "session/n1", "group/web", "a/b/c", "A-Z_0.9", &"x".repeat(64)] {
            assert_eq!(Key::parse(text).map(|k| k.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn hostile_keys_do_not() {
        let long = "x".repeat(65);
        let hostile = [
            "", "/", "a/", "/a", "a//b", "a/b/c/d", ".", "..", "../etc", "a/../b", ".nfs0001", "a/.b", "a b", "a\0b",
            "a\nb", "a\\b", "a=b", "a:b", "é", "a*", "~", &long,
        ];
        for text in hostile {
            assert!(Key::parse(text).is_err(), "{text:?} must be no key");
        }
    }
}
