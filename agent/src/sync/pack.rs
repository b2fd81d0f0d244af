//! One version as bytes: the list of its files and folders, then what the files hold; cut into pieces that fit a record.

use super::BYTES_MAX;
use super::digest::Digest;
use super::entry::{self, Entry};
use crate::config::Named;

/// Bytes of a piece: with its envelope, and four letters for three bytes, it fits a record.
pub(super) const PIECE: usize = 176 << 10;
/// Bytes of the list: long names of many files.
const HEAD_MAX: usize = 4 * PIECE;
/// The most pieces of one version.
pub(super) const PIECES_MAX: usize = 4 + (BYTES_MAX as usize).div_ceil(PIECE);

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pack {
    pub(super) entries: Vec<Entry>,
    content: Vec<u8>,
}

/// A version in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// How many bytes of it are the list.
    pub(super) head: usize,
    pub(super) pieces: Vec<Vec<u8>>,
}

impl Pack {
    /// Of these entries; `content` is what the files among them hold, one after the other.
    pub(super) fn new(entries: Vec<Entry>, content: Vec<u8>) -> Self {
        Self { entries, content }
    }

    /// The pieces.
    ///
    /// # Errors
    /// When the list is too long.
    pub(super) fn cut(&self) -> Result<Cut, String> {
        let head = serde_json::to_vec(&self.entries).map_err(|error| error.to_string())?;
        if head.len() > HEAD_MAX {
            return Err(format!("the names of all files together are longer than {HEAD_MAX} bytes"));
        }
        // What a change leaves as it was stays a piece that the store has already.
        let pieces = head.chunks(PIECE).chain(self.content.chunks(PIECE)).map(<[u8]>::to_vec).collect();
        Ok(Cut { head: head.len(), pieces })
    }

    /// What was cut, put together again: `whole` is all pieces, `head` of its bytes are the list. It may be anything.
    ///
    /// # Errors
    /// What is wrong with it; nothing of it may be used.
    pub(super) fn join(whole: &[u8], head: usize, named: &[Named]) -> Result<Self, String> {
        let (head, content) = whole.split_at_checked(head).ok_or("it is shorter than its list")?;
        let entries: Vec<Entry> = serde_json::from_slice(head).map_err(|error| format!("its list: {error}"))?;
        entry::check(&entries, named)?;
        let pack = Self { entries, content: content.to_vec() };
        let bytes: u64 = pack.entries.iter().map(|entry| entry.size).sum();
        if bytes != pack.content.len() as u64 {
            return Err(String::from("its files are not as long as its list says"));
        }
        if let Some((entry, _)) = pack.files().find(|(entry, content)| entry.digest != Some(Digest::of(content))) {
            return Err(format!("{} does not hold what the list says", entry.path.escape_debug()));
        }
        Ok(pack)
    }

    /// The files and what they hold.
    pub(super) fn files(&self) -> impl Iterator<Item = (&Entry, &[u8])> {
        let mut rest = self.content.as_slice();
        self.entries.iter().filter(|entry| entry.digest.is_some()).map(move |entry| {
            let size = usize::try_from(entry.size).unwrap_or(usize::MAX).min(rest.len());
            let (content, after) = rest.split_at(size);
            rest = after;
            (entry, content)
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::entry::tests::file;
    use super::*;

    /// Of these files.
    pub(in crate::sync) fn pack(files: &[(&str, &[u8])]) -> Pack {
        let entries = files.iter().map(|(path, content)| file(path, content)).collect();
        Pack::new(entries, files.iter().flat_map(|(_, content)| content.iter().copied()).collect())
    }

    /// All pieces one after the other.
    fn whole(pack: &Pack) -> (usize, Vec<u8>) {
        let cut = pack.cut().expect("a short list");
        (cut.head, cut.pieces.concat())
    }

    fn named() -> Vec<Named> {
        vec![Named { name: "conf".into(), path: "conf".into() }]
    }

    #[test]
    fn what_was_cut_is_joined() {
        let large = vec![7; PIECE * 2 + 1];
        let pack = pack(&[("conf/a", b"1"), ("conf/b", &large), ("conf/c", b"")]);
        let (head, bytes) = whole(&pack);
        assert_eq!(Pack::join(&bytes, head, &named()), Ok(pack));
    }

    #[test]
    fn a_hostile_one_is_refused() {
        let refused = |bytes: &[u8], head: usize, expected: &str| {
            let why = Pack::join(bytes, head, &named()).expect_err(expected);
            assert!(why.contains(expected), "{why}");
        };
        let (head, bytes) = whole(&pack(&[("conf/a", b"12")]));
        refused(&bytes, bytes.len() + 1, "shorter than");
        refused(&bytes, head - 1, "its list");
        refused(&bytes[..bytes.len() - 1], head, "as long as");
        refused(&[&bytes[..bytes.len() - 1], b"3"].concat(), head, "does not hold");
        let (head, bytes) = whole(&pack(&[("conf/../a", b"12")]));
        refused(&bytes, head, "no path");
        let (head, bytes) = whole(&pack(&[("/etc/passwd", b"12")]));
        refused(&bytes, head, "not among");
    }
}
