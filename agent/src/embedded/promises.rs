//! A voter's promises on its disk: durable before they are given, and never forgotten (B2).
//!
//! One small file, replaced whole. A file that is missing or
//! torn is an error, never "no promises": a disk that lost its memory must come back as a new voter.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use hotseat_core::SessionId;
use serde::{Deserialize, Serialize};

use crate::durable;

const FILE: &str = "promises.json";
/// The form of the file. A later one is refused, not guessed at.
const FORM: u32 = 1;
/// Far more than a cluster ever has at once: they are dropped as their sessions end.
const BYTES_MAX: u64 = 4 << 20;

#[derive(Serialize, Deserialize)]
struct Content {
    hotseat: u32,
    promises: BTreeSet<SessionId>,
}

/// The file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Promises {
    folder: PathBuf,
}

impl Promises {
    /// In this folder.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Reads them.
    ///
    /// # Errors
    /// What is wrong with the file, and what to do.
    pub fn load(&self) -> Result<BTreeSet<SessionId>, String> {
        let path = self.folder.join(FILE);
        let wrong = |what: String| {
            format!(
                "{}: {what}\n       This disk has forgotten what it promised: it must not vote as before. Remove the \
                 folder {} and join anew: hotseat join TOKEN",
                path.display(),
                self.folder.display()
            )
        };
        let file = File::open(&path).map_err(|error| wrong(error.to_string()))?;
        let mut text = String::new();
        file.take(BYTES_MAX).read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
        let (sum, body) = text.split_once('\n').ok_or_else(|| wrong(String::from("it is torn")))?;
        if sum != checksum(body) {
            return Err(wrong(String::from("its checksum is wrong")));
        }
        let content: Content = serde_json::from_str(body).map_err(|error| wrong(error.to_string()))?;
        if content.hotseat == FORM { Ok(content.promises) } else { Err(wrong(format!("form {}", content.hotseat))) }
    }

    /// Replaces them. When this returns they survive a power cut.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub fn keep(&self, promises: &BTreeSet<SessionId>) -> io::Result<()> {
        let body = serde_json::to_string(&Content { hotseat: FORM, promises: promises.clone() })?;
        let text = format!("{}\n{body}", checksum(&body));
        durable::replace(&self.folder.join(FILE), text.as_bytes(), durable::PUBLIC)
    }
}

pub(super) fn checksum(body: &str) -> String {
    format!("{:08x}", crc32fast::hash(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn promises_survive_and_damage_is_never_no_promise() {
        let folder = tempfile::tempdir().expect("a folder");
        let promises = Promises::at(folder.path());
        assert!(promises.load().expect_err("nothing was kept").contains("join anew"));
        let some: BTreeSet<_> = [SessionId { ordinal: 3, id: hotseat_core::Nonce(77) }].into();
        promises.keep(&some).expect("a disk");
        assert_eq!(promises.load().expect("just kept"), some);
        let path = folder.path().join(FILE);
        let whole = fs::read(&path).expect("just kept");
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).expect("a disk");
            assert!(promises.load().is_err(), "torn at {length}");
        }
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 4;
            fs::write(&path, &flipped).expect("a disk");
            assert!(promises.load().is_err(), "a bit flipped at {at}");
        }
    }
}
