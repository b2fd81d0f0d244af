//! Proof of death (D6): the guard's secret is the proof, the session's record holds its hash.
//!
//! A proof is relayed by anybody and replayed without harm. It never proves more than the one session
//! whose record carries the hash.

use alloc::string::String;
use core::fmt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::{InvalidName, Nonce};

/// What a guard publishes at its start: the SHA-256 of its secret.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProofHash(pub [u8; 32]);

/// What a guard tells once everything of its session is dead.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

/// A guard's word that everything of one session is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The random part of the session's id.
    pub session: Nonce,
    /// The preimage of the session's [`ProofHash`].
    pub secret: Secret,
}

impl Secret {
    /// The hash that proves this secret.
    #[must_use]
    pub fn hash(&self) -> ProofHash {
        ProofHash(Sha256::digest(self.0).into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Debug for ProofHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}{:02x}…", self.0[0], self.0[1])
    }
}

impl From<ProofHash> for String {
    fn from(hash: ProofHash) -> Self {
        hash.0.iter().map(|byte| alloc::format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for ProofHash {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(InvalidName(text));
        }
        for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
            match u8::from_str_radix(&text[at..at + 2], 16) {
                Ok(parsed) => *byte = parsed,
                Err(_) => return Err(InvalidName(text)),
            }
        }
        Ok(Self(hash))
    }
}
