//! The names of the files of a record. The name is the truth: which version is current, who wrote
//! it, and who wrote the few before.
//!
//! Pure text: nothing here touches a file.

use crate::Key;

/// How many of the last writers a token names, the newest first: enough to tell a writer that was
/// overtaken at once what became of its write, short enough for every file system's name limit.
pub(super) const WRITERS_MAX: usize = 4;

/// The name of a record's one token: `<version>.<nonce>[.<nonce before>…]`, and `=<body version>.<body nonce>` where
/// its body is that of an earlier version, unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// The current version.
    pub(super) version: u64,
    /// Who wrote it, and who the versions before, newest first; never empty.
    writers: Vec<u128>,
    /// The body, if it was not written for this version.
    kept: Option<BodyName>,
}

/// What a token says of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The attempt made its version.
    Won,
    /// Another made that version.
    Lost,
    /// That version is not there yet, as far as this token knows.
    Open,
    /// That version is too long ago for this token to tell.
    Forgotten,
}

impl Token {
    /// The token of a record just created.
    pub(super) fn first(nonce: u128) -> Token {
        Token { version: 1, writers: vec![nonce], kept: None }
    }

    /// The token that follows, or `None` after the last version there can be.
    pub(super) fn next(&self, nonce: u128) -> Option<Token> {
        let version = self.version.checked_add(1)?;
        let writers = std::iter::once(nonce).chain(self.writers.iter().copied()).take(WRITERS_MAX).collect();
        Some(Token { version, writers, kept: None })
    }

    /// The token that follows, with the same body.
    pub(super) fn next_with_same_body(&self, nonce: u128) -> Option<Token> {
        self.next(nonce).map(|next| Token { kept: Some(self.body()), ..next })
    }

    pub(super) fn nonce(&self) -> u128 {
        self.writers[0]
    }

    /// What became of the attempt `nonce` to make `version`.
    pub(super) fn fate(&self, version: u64, nonce: u128) -> Fate {
        let Some(ago) = self.version.checked_sub(version) else {
            return Fate::Open;
        };
        match usize::try_from(ago).ok().and_then(|ago| self.writers.get(ago)) {
            Some(writer) if *writer == nonce => Fate::Won,
            Some(_) => Fate::Lost,
            None => Fate::Forgotten,
        }
    }

    pub(super) fn body(&self) -> BodyName {
        self.kept.unwrap_or_else(|| self.attempt())
    }

    /// The attempt that made it, named as its own body would be.
    pub(super) fn attempt(&self) -> BodyName {
        BodyName { version: self.version, nonce: self.nonce() }
    }

    pub(super) fn name(&self) -> String {
        let mut name = format!("{:020}", self.version);
        for nonce in &self.writers {
            name.push_str(&format!(".{nonce:032x}"));
        }
        if let Some(kept) = &self.kept {
            name.push_str(&format!("={:020}.{:032x}", kept.version, kept.nonce));
        }
        name
    }

    /// `None` for what is not exactly a name that [`Token::name`] makes.
    pub(super) fn parse(name: &str) -> Option<Token> {
        let (name, kept) = match name.split_once('=') {
            Some((name, kept)) => (name, Some(BodyName::of(kept)?)),
            None => (name, None),
        };
        let mut parts = name.split('.');
        let version = number(parts.next()?)?;
        let writers = parts.map(nonce_of).collect::<Option<Vec<u128>>>()?;
        let told = 1..=WRITERS_MAX.min(usize::try_from(version).unwrap_or(usize::MAX));
        let older = kept.is_none_or(|kept: BodyName| kept.version < version);
        (older && told.contains(&writers.len())).then_some(Token { version, writers, kept })
    }
}

/// The name of a body: `b.<version>.<nonce>`. It names the version it was written to become, so
/// that it can be swept, without a clock, as soon as that version has been made by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BodyName {
    pub(super) version: u64,
    pub(super) nonce: u128,
}

impl BodyName {
    pub(super) fn name(&self) -> String {
        format!("b.{:020}.{:032x}", self.version, self.nonce)
    }

    pub(super) fn parse(name: &str) -> Option<BodyName> {
        Self::of(name.strip_prefix("b.")?)
    }

    fn of(name: &str) -> Option<BodyName> {
        let (version, nonce) = name.split_once('.')?;
        Some(BodyName { version: number(version)?, nonce: nonce_of(nonce)? })
    }
}

/// The directory of a record: the key, with `=` for `/`, which no key contains.
pub(super) fn record_name(key: &Key) -> String {
    key.as_str().replace('/', "=")
}

/// The key of a record's directory; `None` for a name that is not ours.
pub(super) fn record_key(name: &str) -> Option<Key> {
    Key::parse(&name.replace('=', "/")).ok().filter(|_| !name.contains('/'))
}

/// The directory in which `nonce` prepares the creation of `key`.
pub(super) fn draft_name(key: &Key, nonce: u128) -> String {
    format!("{}.{nonce:032x}", record_name(key))
}

/// The record that a directory of this name was to become.
pub(super) fn draft_record(name: &str) -> Option<&str> {
    let (record, nonce) = name.rsplit_once('.')?;
    nonce_of(nonce).and(record_key(record)).map(|_| record)
}

fn number(text: &str) -> Option<u64> {
    let digits = text.len() == 20 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && *n > 0)
}

fn nonce_of(text: &str) -> Option<u128> {
    let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (text.len() == 32 && text.bytes().all(lower)).then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        let mut token = Token::first(0xabc);
        for nonce in 0..9 {
            assert_eq!(Token::parse(&token.name()), Some(token.clone()));
            assert_eq!(BodyName::parse(&token.body().name()), Some(token.body()));
            assert!(token.name().len() < 200, "{}", token.name());
            let same = token.next_with_same_body(nonce).unwrap();
            assert_eq!(Token::parse(&same.name()), Some(same.clone()));
            assert_eq!((same.body(), same.version), (token.body(), token.version + 1));
            assert!(same.name().len() < 250, "{}", same.name());
            token = token.next(nonce).unwrap();
        }
        let key = Key::parse("a.b/c/d").unwrap();
        assert_eq!(record_key(&record_name(&key)), Some(key.clone()));
        assert_eq!(draft_record(&draft_name(&key, 7)), Some("a.b=c=d"));
    }

    #[test]
    fn foreign_names_are_foreign() {
        let good = Token::first(1).name();
        let foreign = [
            "",
            ".",
            "..",
            ".nfs0000000a",
            "lost+found",
            "core",
            "b.",
            "b.1.2",
            &good[1..],
            &format!("{good}~"),
            &format!(".{good}.swp"),
            &good.replace('1', "A"),
            &format!("{good}.{:032x}", 2),
            &format!("{:020}.{:032x}", 0, 1),
            &format!("99999999999999999999.{:032x}", 1),
        ];
        for name in foreign {
            assert_eq!(Token::parse(name), None, "{name:?}");
            assert_eq!(BodyName::parse(name), None, "{name:?}");
        }
        for name in ["lost+found", ".nfs01", "x~", "a b", "", "a/b"] {
            assert_eq!(record_key(name), None, "{name:?}");
        }
    }

    #[test]
    fn a_token_tells_the_fate_of_the_last_writers() {
        let mut token = Token::first(1);
        for nonce in 2..=6 {
            token = token.next(nonce).unwrap();
        }
        assert_eq!(token.fate(7, 9), Fate::Open);
        assert_eq!(token.fate(6, 6), Fate::Won);
        assert_eq!(token.fate(5, 9), Fate::Lost);
        assert_eq!(token.fate(3, 3), Fate::Won);
        assert_eq!(token.fate(2, 2), Fate::Forgotten);
        assert!(Token { version: u64::MAX, writers: vec![1], kept: None }.next(2).is_none());
    }
}
