//! The text of a token, and what is kept of it: its SHA-256. A token is 256 random bits, so there is nothing to guess that a
//! slow hash would protect (docs/decisions/0822-who-may-do-what.md). The text is never stored and never logged.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What tokens begin with, so that people and programs that look for leaked secrets know one. The figure is the form's.
const PREFIX: &str = "hst1_";

const BYTES: usize = 32;

/// The text of a token, or of a login.
pub struct Secret(String);

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no random bits.
    pub fn generate() -> Result<Self, String> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|error| format!("no random bits: {error}"))?;
        Ok(Self(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// The text: for whoever it was made for, once.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What may be kept.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What is kept of a secret.
#[derive(Clone, Copy)]
pub struct Hash([u8; BYTES]);

impl Hash {
    /// Of what somebody shows.
    pub(super) fn of(text: &str) -> Self {
        let hashed = digest(&SHA256, text.as_bytes());
        Self(hashed.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// Takes as long whether they are the same or not.
    pub(super) fn is(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(…)")
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| de::Error::custom("this is not a token's hash"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_only_their_own_hash_fits() {
        let (one, other) = (Secret::generate().expect("bits"), Secret::generate().expect("bits"));
        assert_eq!(one.text().len(), PREFIX.len() + 43);
        assert!(one.hash().is(&Hash::of(one.text())));
        assert!(!one.hash().is(&other.hash()));
        let kept = serde_json::to_string(&one.hash()).expect("JSON");
        assert!(!kept.contains(one.text()) && !format!("{one:?}{:?}", one.hash()).contains(one.text()));
        let read: Hash = serde_json::from_str(&kept).expect("what was written");
        assert!(read.is(&one.hash()));
        for wrong in ["\"\"", "\"abc\"", "1", "\"%%%\""] {
            assert!(serde_json::from_str::<Hash>(wrong).is_err(), "{wrong}");
        }
    }
}
