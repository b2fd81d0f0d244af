//! The names and numbers of the protocol. Each is checked once, where it enters.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use serde::{Deserialize, Serialize};

/// Longest name of a node or group, in bytes: it becomes part of file and cgroup names.
const NAME_MAX: usize = 63;

/// Why a name was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidName(pub String);

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is not a name: use 1 to {NAME_MAX} letters, digits, '-', '_' or '.', not starting with '.'",
            self.0.escape_debug()
        )
    }
}

impl core::error::Error for InvalidName {}

fn checked(name: &str) -> Result<Arc<str>, InvalidName> {
    let fits = (1..=NAME_MAX).contains(&name.len());
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if fits && plain && !name.starts_with('.') { Ok(Arc::from(name)) } else { Err(InvalidName(String::from(name))) }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// Checks the name: 1 to 63 letters, digits, `-`, `_` or `.`, not starting with `.`.
            ///
            /// # Errors
            /// [`InvalidName`] says what a name may be.
            pub fn new(name: &str) -> Result<Self, InvalidName> {
                checked(name).map(Self)
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;
            fn try_from(name: String) -> Result<Self, InvalidName> {
                Self::new(&name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                Self::from(&*name.0)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A node's name, unique in its cluster.
    NodeName
);
name!(
    /// A group's name: the HA id.
    GroupId
);

macro_rules! number {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $type(pub u64);

        impl $type {
            /// The one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

number!(
    /// The number of a leadership, strictly growing per group: the fencing token. 0: nobody has led yet.
    Epoch
);
number!(
    /// A record's version in the store. 0 stands for "absent". It never restarts (A6).
    Version
);

/// Makes every write unique (A3, A6). Never reused.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nonce(pub u128);

impl TryFrom<String> for Nonce {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        u128::from_str_radix(&text, 16).map(Self).map_err(|_| InvalidName(text))
    }
}

impl From<Nonce> for String {
    fn from(nonce: Nonce) -> Self {
        alloc::format!("{:032x}", nonce.0)
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// One run of an agent. Sessions of a node are ordered (A4); the random part tells twins apart (D6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId {
    /// Grows by one with each session of the node.
    pub ordinal: u64,
    /// 128 random bits.
    pub id: Nonce,
}

/// One incarnation of a node's disk: random, made with its data folder. A wiped disk is a new voter (B2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VoterId(pub u64);

impl fmt::Debug for VoterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}
