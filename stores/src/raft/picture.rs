//! All records of one moment as bytes: what a snapshot is, and what `save` gives out to be put into a file.
//!
//! The form: `HOTSEAT\x01` (the last byte is the version of the form), a CRC-32 of what follows (little-endian), then
//! the identity and the records in postcard. It names no member: it can be restored into any new cluster.

use serde::{Deserialize, Serialize};

use super::frame;
use super::records::STATE_LEN_MAX;
use super::types::Saved;

const MAGIC: &[u8; 8] = b"HOTSEAT\x01";

/// Longer is no picture of ours: all records, with twice the room they are counted for.
pub(super) const PICTURE_LEN_MAX: usize = 2 * STATE_LEN_MAX;

/// All records of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Picture {
    /// Of the cluster they were in, once it was founded.
    pub(super) identity: Option<String>,
    pub(super) records: Vec<Saved>,
}

impl Picture {
    pub(super) fn encode(&self) -> Vec<u8> {
        let bytes = postcard::to_stdvec(self).expect("a vector takes any picture, and no picture of ours fails");
        let mut whole = MAGIC.to_vec();
        whole.extend(frame::seal(MAGIC, &bytes));
        whole
    }

    /// Reads a picture; the error says what is wrong with it.
    pub(super) fn decode(bytes: &[u8]) -> Result<Picture, String> {
        if bytes.len() > PICTURE_LEN_MAX {
            return Err(format!("it has {} bytes, more than any cluster holds ({PICTURE_LEN_MAX})", bytes.len()));
        }
        let (known, version) = MAGIC.split_at(MAGIC.len() - 1);
        let Some(rest) = bytes.strip_prefix(known) else {
            return Err("it does not begin as a saved cluster does".to_owned());
        };
        let Some(rest) = rest.strip_prefix(version) else {
            return Err(format!("it has form {:?}; this program reads form {}", rest.first(), version[0]));
        };
        let bytes = frame::open(MAGIC, rest).ok_or("it does not fit its checksum: it is cut short or damaged")?;
        match postcard::take_from_bytes::<Picture>(bytes) {
            Ok((picture, [])) => picture.checked(),
            Ok(_) => Err("there is more in it than a saved cluster has".to_owned()),
            Err(error) => Err(format!("it cannot be read: {error}")),
        }
    }

    fn checked(self) -> Result<Picture, String> {
        let ordered = self.records.is_sorted_by(|a, b| a.key < b.key);
        let numbered = self.records.iter().all(|saved| saved.version > 0);
        if ordered && numbered { Ok(self) } else { Err("its records are not in order".to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, Key};

    fn picture() -> Picture {
        let saved = |key: &str, version| {
            let (key, body) = (Key::parse(key).unwrap(), Body::new(key).unwrap());
            Saved { key, version, nonce: u128::from(version) << 90, body }
        };
        Picture { identity: Some("here".to_owned()), records: vec![saved("a", 7), saved("a/b", 1)] }
    }

    #[test]
    fn what_was_saved_is_read_back() {
        assert_eq!(Picture::decode(&picture().encode()), Ok(picture()));
    }

    #[test]
    fn whatever_is_damaged_is_refused() {
        let whole = picture().encode();
        for at in 0..whole.len() {
            assert!(Picture::decode(&whole[..at]).is_err());
            let mut bad = whole.clone();
            bad[at] ^= 1;
            assert!(Picture::decode(&bad).is_err());
        }
        let mut out_of_order = picture();
        out_of_order.records.reverse();
        assert!(Picture::decode(&out_of_order.encode()).is_err());
    }
}
