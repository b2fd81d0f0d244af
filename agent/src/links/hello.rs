//! The first frame from each side: who speaks, and which versions of the links it understands.
//!
//! Magic and versions stand at fixed places and are looked at before anything else, so that nodes of any two versions can
//! tell each other why they do not fit. What a later version adds stands after what this one reads, and is not looked at.

use std::fmt;
use std::ops::RangeInclusive;

use hotseat_core::NodeName;
use serde::{Deserialize, Serialize};

use super::lane::Lane;

/// What a hello begins with.
const MAGIC: &[u8; 4] = b"HSLK";

/// The longest hello: three names, a version, and room for what is added later.
pub(super) const HELLO_MAX: usize = 1024;

/// The longest version of a program that is taken over from another node.
const VERSION_MAX: usize = 64;

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) cluster: NodeName,
    pub(super) node: NodeName,
    pub(super) id: u64,
    /// Of the program, for people.
    pub(super) version: String,
    pub(super) lane: u8,
}

/// Why a frame is no hello that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// It is something else.
    NotAHello,
    /// Theirs, then ours.
    Versions(RangeInclusive<u16>, RangeInclusive<u16>),
}

impl Hello {
    pub(super) fn encode(&self, speaks: &RangeInclusive<u16>) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(speaks.start().to_be_bytes());
        bytes.extend(speaks.end().to_be_bytes());
        postcard::to_extend(self, bytes).expect("a hello has nothing that cannot be written")
    }

    /// The hello, and the newest version that both sides speak.
    pub(super) fn decode(bytes: &[u8], speaks: &RangeInclusive<u16>) -> Result<(Self, u16), Misfit> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(Misfit::NotAHello)?;
        let (&[a, b, c, d], body) = rest.split_first_chunk().ok_or(Misfit::NotAHello)?;
        let theirs = u16::from_be_bytes([a, b])..=u16::from_be_bytes([c, d]);
        let common = *theirs.end().min(speaks.end());
        if !theirs.contains(&common) || !speaks.contains(&common) {
            return Err(Misfit::Versions(theirs, speaks.clone()));
        }
        let (hello, _) = postcard::take_from_bytes::<Self>(body).map_err(|_| Misfit::NotAHello)?;
        let plain = hello.version.len() <= VERSION_MAX && hello.version.chars().all(|it| it.is_ascii_graphic());
        if plain { Ok((hello, common)) } else { Err(Misfit::NotAHello) }
    }

    pub(super) fn lane(&self) -> Option<Lane> {
        Lane::from_byte(self.lane)
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAHello => f.write_str("it does not begin as a node does"),
            Self::Versions(theirs, ours) => write!(
                f,
                "it speaks versions {} to {} of the links, and this node {} to {}: \
                 upgrade in steps, so that neighbouring versions run side by side",
                theirs.start(),
                theirs.end(),
                ours.start(),
                ours.end()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hello() -> Hello {
        let name = |it| NodeName::new(it).unwrap();
        Hello { cluster: name("netmon"), node: name("primary-1"), id: 7, version: "0.1.0".into(), lane: 2 }
    }

    #[test]
    fn ranges_that_overlap_meet_at_the_newest() {
        let meet = |ours, theirs| Hello::decode(&hello().encode(&theirs), &ours).map(|(_, version)| version);
        assert_eq!(meet(1..=1, 1..=1), Ok(1));
        assert_eq!(meet(1..=3, 2..=5), Ok(3));
        assert_eq!(meet(4..=9, 2..=5), Ok(5));
        assert_eq!(meet(1..=2, 3..=4), Err(Misfit::Versions(3..=4, 1..=2)));
        assert_eq!(meet(3..=4, 1..=2), Err(Misfit::Versions(1..=2, 3..=4)));
        #[expect(clippy::reversed_empty_ranges, reason = "what a hostile node may send")]
        let empty = 5..=1;
        assert!(meet(1..=9, empty).is_err());
    }

    #[test]
    fn misfits_are_told_without_reading_the_rest() {
        let mut bytes = hello().encode(&(7..=9));
        bytes.truncate(8);
        let why = Hello::decode(&bytes, &(1..=2)).unwrap_err().to_string();
        assert!(why.contains("7 to 9") && why.contains("1 to 2"), "{why}");
    }

    #[test]
    fn what_is_added_later_is_passed_over_and_what_is_cut_is_not_taken() {
        let bytes = hello().encode(&(1..=1));
        let longer = [bytes.as_slice(), b"more"].concat();
        assert_eq!(Hello::decode(&longer, &(1..=1)), Ok((hello(), 1)));
        for end in 0..bytes.len() {
            assert!(Hello::decode(&bytes[..end], &(1..=1)).is_err(), "cut at {end}");
        }
    }

    proptest! {
        #[test]
        fn noise_never_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..100), like in any::<bool>()) {
            if like && bytes.len() > 8 {
                bytes[..8].copy_from_slice(b"HSLK\0\x01\0\x01");
            }
            drop(Hello::decode(&bytes, &(1..=1)));
        }

        #[test]
        fn altered_bytes_never_panic(at in 0_usize..30, byte in any::<u8>()) {
            let mut bytes = hello().encode(&(1..=1));
            let at = at % bytes.len();
            bytes[at] = byte;
            drop(Hello::decode(&bytes, &(1..=1)));
        }
    }
}
