//! Bytes with a checksum before them, so that a flipped bit is found when they are read.

/// `bytes`, behind their CRC-32. `place` is mixed in: bytes found in the wrong place do not pass either.
pub(super) fn seal(place: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(SUM_LEN + bytes.len());
    sealed.extend_from_slice(&sum(place, bytes));
    sealed.extend_from_slice(bytes);
    sealed
}

/// What was sealed, if it is whole and was sealed for this place.
pub(super) fn open<'a>(place: &[u8], sealed: &'a [u8]) -> Option<&'a [u8]> {
    let (found, bytes) = sealed.split_at_checked(SUM_LEN)?;
    (found == sum(place, bytes)).then_some(bytes)
}

const SUM_LEN: usize = 4;

fn sum(place: &[u8], bytes: &[u8]) -> [u8; SUM_LEN] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(place);
    hasher.update(bytes);
    hasher.finalize().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let sealed = seal(b"7", b"an entry");
        assert_eq!(open(b"7", &sealed), Some(b"an entry".as_slice()));
        assert_eq!(open(b"8", &sealed), None);
        for at in 0..sealed.len() {
            assert_eq!(open(b"7", &sealed[..at]), None);
            for bit in 0..8 {
                let mut bad = sealed.clone();
                bad[at] ^= 1 << bit;
                assert_eq!(open(b"7", &bad), None);
            }
        }
    }
}
