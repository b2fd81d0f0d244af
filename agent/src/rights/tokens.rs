//! The tokens of a cluster, as the record `tokens` on the shelf holds them. It reads no clock and stores nothing.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::secret::Hash;
use super::{Asker, Right};

/// The record's key.
pub const KEY: &str = "tokens";

/// Most tokens: people and programs that look after one cluster. All of them fit into one record several times.
const TOKENS_MAX: usize = 200;

/// Longest name of a token, in bytes.
const NAME_MAX: usize = 63;

/// One token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    /// Whose it is; unique.
    pub name: String,
    /// What it lets do.
    #[serde(with = "word")]
    pub right: Right,
    /// What is kept of its text.
    hash: Hash,
    /// When it was made, RFC 3339.
    pub made: String,
    /// Who made it.
    pub by: String,
    /// When it ends, in seconds since 1970 by wall clocks; never otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
}

/// All of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tokens {
    tokens: Vec<Token>,
}

impl Token {
    /// A checked one.
    ///
    /// # Errors
    /// What is wrong with the name.
    pub fn new(name: &str, right: Right, hash: Hash, by: &str, made: String) -> Result<Self, String> {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        // An '@' is for those who have no token.
        if !plain || name.is_empty() || name.len() > NAME_MAX {
            return Err(format!("a token's name is 1 to {NAME_MAX} letters, digits, '-', '.' and '_'"));
        }
        Ok(Self { name: name.to_owned(), right, hash, made, by: by.to_owned(), expires: None })
    }

    /// The same, good only so long.
    #[must_use]
    pub fn until(mut self, now: SystemTime, good: Option<Duration>) -> Self {
        self.expires = good.map(|good| seconds(now).saturating_add(good.as_secs()));
        self
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|end| seconds(now) >= end)
    }

    pub(super) fn asker(&self) -> Asker {
        Asker { name: self.name.clone(), right: self.right }
    }
}

impl Tokens {
    /// In the order of their making.
    pub fn iter(&self) -> impl Iterator<Item = &Token> {
        self.tokens.iter()
    }

    /// Whether nobody was ever given one, or all were revoked. One that has expired still asks for its like: a cluster
    /// does not open by itself.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Whose this is, if it is good. All are compared, whichever fits.
    pub(super) fn find(&self, hash: &Hash, now: SystemTime) -> Option<&Token> {
        let found = self.tokens.iter().fold(None, |found, token| if token.hash.is(hash) { Some(token) } else { found });
        found.filter(|token| !token.is_over(now))
    }

    /// One more.
    ///
    /// # Errors
    /// When there are too many, or one of that name; says what to do.
    pub fn add(&mut self, token: Token) -> Result<(), String> {
        if self.tokens.iter().any(|other| other.name == token.name) {
            let name = &token.name;
            return Err(format!("there is a token \"{name}\" already: revoke it first (hotseat token revoke {name})"));
        }
        if self.tokens.len() >= TOKENS_MAX {
            return Err(format!("there are {TOKENS_MAX} tokens: revoke those that nobody uses"));
        }
        self.tokens.push(token);
        Ok(())
    }

    /// One less.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn revoke(&mut self, name: &str) -> Result<(), String> {
        let before = self.tokens.len();
        self.tokens.retain(|token| token.name != name);
        if self.tokens.len() < before { Ok(()) } else { Err(format!("no token \"{}\"", name.escape_debug())) }
    }
}

fn seconds(now: SystemTime) -> u64 {
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A right as its word.
mod word {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::Right;

    pub(super) fn serialize<S: Serializer>(right: &Right, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(right)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Right, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::secret::Secret;
    use super::*;

    fn token(name: &str, secret: &Secret) -> Token {
        Token::new(name, Right::Viewer, secret.hash(), "root@socket", String::new()).expect("a name")
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_token_is_found_by_its_text_until_it_ends_or_is_revoked() {
        let (mut tokens, secrets) = (Tokens::default(), [(); 3].map(|()| Secret::generate().expect("bits")));
        tokens.add(token("a", &secrets[0])).expect("room");
        tokens.add(token("b", &secrets[1]).until(at(100), Some(Duration::from_secs(10)))).expect("room");
        let find = |tokens: &Tokens, secret: usize, now| {
            tokens.find(&secrets[secret].hash(), at(now)).map(|token| token.name.clone())
        };
        assert_eq!(find(&tokens, 0, 1_000_000), Some("a".into()));
        assert_eq!(find(&tokens, 1, 109), Some("b".into()));
        assert_eq!(find(&tokens, 1, 110), None);
        assert_eq!(find(&tokens, 2, 0), None);
        tokens.revoke("a").expect("it is there");
        assert_eq!(find(&tokens, 0, 0), None);
        assert!(tokens.revoke("a").is_err() && !tokens.is_empty(), "one that has expired keeps the door shut");
    }

    #[test]
    fn the_record_holds_no_secret_and_is_bounded() {
        let (mut tokens, secret) = (Tokens::default(), Secret::generate().expect("bits"));
        for number in 0..TOKENS_MAX {
            tokens.add(token(&format!("{number:0>63}"), &secret)).expect("room");
        }
        assert!(tokens.add(token("more", &secret)).expect_err("full").contains("revoke"));
        let text = serde_json::to_string(&tokens).expect("JSON");
        assert!(text.len() < 128 * 1024 && !text.contains(secret.text()));
        let read: Tokens = serde_json::from_str(&text).expect("what was written");
        assert_eq!(read.iter().count(), TOKENS_MAX);
        assert!(serde_json::from_str::<Tokens>(&text.replace("viewer", "everything")).is_err());
    }

    #[test]
    fn names_are_names() {
        let secret = Secret::generate().expect("bits");
        for wrong in ["", "a b", "root@socket", "a/b", "ä", &"x".repeat(64)] {
            assert!(Token::new(wrong, Right::Admin, secret.hash(), "", String::new()).is_err(), "{wrong}");
        }
        let mut tokens = Tokens::default();
        tokens.add(token("a", &secret)).expect("room");
        assert!(tokens.add(token("a", &secret)).expect_err("taken").contains("revoke"));
    }
}
