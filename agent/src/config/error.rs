//! Why a configuration was refused, in the words the user reads.
//!
//! The text has no `error: ` before it: whoever prints it adds that.

use super::excerpt::{self, Excerpt};
use super::fault::Fault;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why there is no configuration.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read: missing, not allowed, a directory.
    Unreadable(PathBuf, io::Error),
    /// The file is larger than any configuration.
    TooLarge(PathBuf),
    /// The file is not UTF-8, from this line on.
    NotUtf8(PathBuf, usize),
    /// The file says something that cannot be meant.
    Mistake(Box<Mistake>),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, why) => write!(f, "{}: cannot be read: {}", path.display(), reason(why)),
            Self::TooLarge(path) => {
                write!(f, "{}: is larger than 1 MiB: this is not a configuration file", path.display())
            }
            Self::NotUtf8(path, line) => {
                write!(f, "{}: is not text: line {line} has bytes that are not UTF-8", path.display())
            }
            Self::Mistake(mistake) => mistake.fmt(f),
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(_, why) => Some(why),
            Self::TooLarge(_) | Self::NotUtf8(..) | Self::Mistake(_) => None,
        }
    }
}

fn reason(why: &io::Error) -> String {
    match why.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => why.to_string(),
    }
}

/// One mistake in a configuration file: where it is, the line, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    file: String,
    what: String,
    advice: String,
    excerpt: Excerpt,
}

impl Mistake {
    pub(super) fn new(file: &str, text: &str, fault: Fault) -> Self {
        let advice = match &fault.first {
            Some(first) => format!("{} · first at line {}", fault.advice, excerpt::line_number(text, first)),
            None => fault.advice,
        };
        Self { file: file.to_owned(), what: fault.what, advice, excerpt: Excerpt::new(text, &fault.spot) }
    }

    /// The line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.excerpt.line
    }

    /// The column in characters, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.excerpt.column
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{}:{}: {}", self.file, self.line(), self.column(), self.what)?;
        self.excerpt.write(&self.advice, f)
    }
}
