//! Proof of death (D6): the guard's secret is the proof, the session's record holds its hash.
//!
//! A proof is relayed by anybody and replayed without harm. It never proves more than the one session
//! whose record carries the hash.

use alloc::string::String;
use core::fmt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::demise::Demise;
use crate::id::{InvalidName, Nonce};

/// What a guard publishes at its start: the SHA-256 of its secret.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProofHash(pub [u8; 32]);

/// What a guard tells once everything of its session is dead.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Secret(pub [u8; 32]);

/// A guard's word that everything of one session is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The random part of the session's id.
    pub session: Nonce,
    /// The preimage of the session's [`ProofHash`].
    pub secret: Secret,
    /// What made the guard end it, where it told. Not proven by anything.
    pub demise: Option<Demise>,
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

macro_rules! hex {
    ($type:ident) => {
        impl From<$type> for String {
            fn from(bytes: $type) -> Self {
                bytes.0.iter().map(|byte| alloc::format!("{byte:02x}")).collect()
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                bytes(&text).map(Self).ok_or(InvalidName(text))
            }
        }
    };
}

hex!(ProofHash);
hex!(Secret);

fn bytes(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}
