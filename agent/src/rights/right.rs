//! What somebody may do.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// What somebody may do, or what is needed to do something. A viewer is one who may see both status and statistics; an
/// operator may see what a viewer may; an administrator may do everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// What load balancers ask.
    Public,
    /// See who leads, what happened, what was done.
    Status,
    /// See numbers: how often, how long, how many.
    Statistics,
    /// See both.
    Viewer,
    /// Act upon groups.
    Operator,
    /// Decide who belongs to the cluster, and who may do what.
    Admin,
}

/// As people write them. `Public` is nobody's: everybody has it.
const WORDS: [(&str, Right); 5] = [
    ("status", Right::Status),
    ("statistics", Right::Statistics),
    ("viewer", Right::Viewer),
    ("operator", Right::Operator),
    ("admin", Right::Admin),
];

impl Right {
    /// Whether who has this may do what needs that.
    #[must_use]
    pub const fn covers(self, need: Self) -> bool {
        match need {
            Self::Public => true,
            Self::Status => !matches!(self, Self::Public | Self::Statistics),
            Self::Statistics => !matches!(self, Self::Public | Self::Status),
            Self::Viewer => matches!(self, Self::Viewer | Self::Operator | Self::Admin),
            Self::Operator => matches!(self, Self::Operator | Self::Admin),
            Self::Admin => matches!(self, Self::Admin),
        }
    }
}

/// A partial order: status and statistics are beside each other.
impl PartialOrd for Right {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.covers(*other), other.covers(*self)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => None,
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = WORDS.iter().find(|(_, right)| right == self);
        f.write_str(word.map_or("public", |(word, _)| *word))
    }
}

impl FromStr for Right {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = WORDS.iter().find(|(word, _)| *word == text);
        let known = || WORDS.map(|(word, _)| word).join(", ");
        word.map(|(_, right)| *right).ok_or_else(|| format!("no right \"{}\"; one of {}", text.escape_debug(), known()))
    }
}

#[cfg(test)]
mod tests {
    use super::Right::{Admin, Operator, Public, Statistics, Status, Viewer};
    use super::*;

    const ALL: [Right; 6] = [Public, Status, Statistics, Viewer, Operator, Admin];

    #[test]
    fn amp_19_status_statistics_and_administration_are_apart() {
        let check = |right: Right, covered: &[Right]| {
            let found: Vec<_> = ALL.into_iter().filter(|need| right.covers(*need)).collect();
            assert_eq!(found, covered, "{right}");
        };
        check(Public, &[Public]);
        check(Status, &[Public, Status]);
        check(Statistics, &[Public, Statistics]);
        check(Viewer, &[Public, Status, Statistics, Viewer]);
        check(Operator, &[Public, Status, Statistics, Viewer, Operator]);
        check(Admin, &ALL);
        assert!(Operator < Admin && Status < Viewer && Status.partial_cmp(&Statistics).is_none());
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for (word, right) in WORDS {
            assert_eq!((word.parse(), right.to_string()), (Ok(right), word.to_owned()));
        }
        assert!("public".parse::<Right>().is_err() && "Admin".parse::<Right>().is_err());
    }
}
