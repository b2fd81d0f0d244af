//! How a body lies in its file: `hotseat 1 <crc32> <length> <key>\n`, then the bytes.
//!
//! The key is in the frame, and in the checksum, so that a record that was copied under another
//! name, or found on a share that ignores the case of names, is seen as foreign.

use crate::{Body, Key};

const MAGIC: &str = "hotseat 1";

/// The longest file that can be a frame: a body, a full key and the fixed words.
pub(super) const LEN_MAX: usize = Body::LEN_MAX + 512;

/// The bytes of the file.
pub(super) fn seal(key: &Key, body: &Body) -> Vec<u8> {
    let mut file = format!("{MAGIC} {:08x} {} {key}\n", checksum(key, body), body.len()).into_bytes();
    file.extend_from_slice(body);
    file
}

/// The body in the file, or what is wrong with it.
pub(super) fn open(key: &Key, file: &[u8]) -> Result<Body, String> {
    let end = file.iter().take(512).position(|b| *b == b'\n').ok_or("is torn or no record: it has no header")?;
    let header = std::str::from_utf8(&file[..end]).map_err(|_| "is no record: its header is not text")?;
    let rest = header.strip_prefix(MAGIC).ok_or("is no record of this format: it does not start with \"hotseat 1\"")?;
    let mut words = rest.split_ascii_whitespace();
    let (Some(crc), Some(len), Some(owner), None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Err("is torn: its header is incomplete".to_owned());
    };
    let bytes = &file[end + 1..];
    if len.parse() != Ok(bytes.len()) {
        return Err(format!("is torn: {} bytes where its header promises {len}", bytes.len()));
    }
    if owner != key.as_str() {
        return Err(format!("is foreign: it was written as \"{owner}\""));
    }
    let body = Body::new(bytes).map_err(|too_big| format!("is no record: {too_big}"))?;
    if u32::from_str_radix(crc, 16) != Ok(checksum(key, &body)) {
        return Err("is corrupt: its checksum is wrong".to_owned());
    }
    Ok(body)
}

fn checksum(key: &Key, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key.as_str().as_bytes());
    hasher.update(b"\n");
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &[u8], expected: &str) {
        let key = Key::parse("session/n1").unwrap();
        let told = open(&key, file).expect_err("must be refused");
        assert!(told.contains(expected), "{told:?} should say {expected:?}");
    }

    #[test]
    fn every_kind_of_damage_is_named() {
        let key = Key::parse("session/n1").unwrap();
        let body = Body::new("hello\nworld").unwrap();
        let good = seal(&key, &body);
        assert_eq!(open(&key, &good), Ok(body.clone()));
        check(b"", "no header");
        check(&good[..good.len() - 1], "torn");
        check(&[good.as_slice(), b"x"].concat(), "torn");
        check(&good[1..], "does not start");
        check(&seal(&Key::parse("session/n2").unwrap(), &body), "written as \"session/n2\"");
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        check(&flipped, "checksum");
        check(b"hotseat 1 00000000\n", "incomplete");
        check(&[0xff; 600], "no header");
        check(&vec![0; good.len()], "no header");
    }
}
