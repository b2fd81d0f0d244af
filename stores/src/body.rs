//! The bytes of a record: opaque, immutable, cheap to clone, never above the limit.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What a record holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(Arc<[u8]>);

/// The bytes were more than [`Body::LEN_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooBig {
    /// How many there were.
    pub len: usize,
}

impl Body {
    /// 256 KiB: below the smallest limit of any store (ZooKeeper 1 MiB, etcd 1.5 MiB) with room for frames.
    pub const LEN_MAX: usize = 256 * 1024;

    /// Copies `bytes`; refuses more than [`Body::LEN_MAX`].
    ///
    /// # Errors
    /// [`TooBig`], with the length.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Body, TooBig> {
        let bytes = bytes.as_ref();
        if bytes.len() > Self::LEN_MAX {
            return Err(TooBig { len: bytes.len() });
        }
        Ok(Body(Arc::from(bytes)))
    }
}

impl Deref for Body {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 40;
        let start = self.0.get(..SHOWN).unwrap_or(&self.0);
        write!(f, "Body({} bytes: {})", self.0.len(), start.escape_ascii())
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Body, D::Error> {
        Body::new(<&[u8]>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl fmt::Display for TooBig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a body of {} bytes; at most {} fit a record", self.len, Body::LEN_MAX)
    }
}

impl std::error::Error for TooBig {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_fits_and_one_more_does_not() {
        assert!(Body::new(vec![0; Body::LEN_MAX]).is_ok());
        let len = Body::LEN_MAX + 1;
        assert_eq!(Body::new(vec![0; len]), Err(TooBig { len }));
    }
}
