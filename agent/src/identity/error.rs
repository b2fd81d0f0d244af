//! Why there is no identity to be had, in words for whoever has to repair it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What is wrong with a file or a certificate.
#[derive(Debug)]
pub enum IdentityError {
    /// A file cannot be read or written. Nothing else is known about it.
    File(PathBuf, io::Error),
    /// A file, or what came in its place, does not hold what it should. Where, what is wrong, what would be right.
    Wrong(String, String),
    /// The library that makes certificates refused. Not expected with input that was checked before.
    Crypto(String),
}

impl IdentityError {
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |why| Self::File(path.to_owned(), why)
    }

    pub(super) fn wrong(place: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::Wrong(place.to_string(), what.to_string())
    }

    /// Whether it is a file that is simply not there.
    #[must_use]
    pub fn missing(&self) -> bool {
        matches!(self, Self::File(_, why) if why.kind() == io::ErrorKind::NotFound)
    }
}

impl From<rcgen::Error> for IdentityError {
    fn from(why: rcgen::Error) -> Self {
        Self::Crypto(why.to_string())
    }
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, why) if why.kind() == io::ErrorKind::NotFound => {
                write!(f, "{}: there is no such file", path.display())
            }
            Self::File(path, why) => write!(f, "{}: {why}", path.display()),
            Self::Wrong(place, what) => write!(f, "{place}: {what}"),
            Self::Crypto(why) => write!(f, "cannot make or sign a certificate: {why}"),
        }
    }
}

impl std::error::Error for IdentityError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File(_, why) => Some(why),
            Self::Wrong(..) | Self::Crypto(_) => None,
        }
    }
}
