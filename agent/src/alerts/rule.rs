//! What people can be alerted to. Each rule has a word, which is in configuration files and in messages and stays.

use std::time::Duration;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A leadership began, planned or not. The first one of a group is no change.
    LeaderChange,
    /// Nobody leads a group.
    NoLeader,
    /// A member is offline.
    MemberLost,
    /// The loss of one more node would be too much.
    RedundancyLost,
    /// Leaderships change again and again.
    Flapping,
    /// Files that should be the same differ.
    Drift,
    /// The store does not answer.
    StoreLost,
    /// A certificate ends soon, or has ended.
    CertificateEnding,
    /// What is known of a member is old, though it counts as present.
    StateStale,
    /// A vote found no majority.
    SplitVote,
    /// A fire drill was not passed.
    DrillFailed,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look, in the morning.
    Warning,
    /// Somebody should look now.
    Critical,
}

impl Severity {
    /// As messages have it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl Rule {
    /// Every rule and its word.
    pub const WORDS: &[(&'static str, Self)] = &[
        ("leader-change", Self::LeaderChange),
        ("no-leader", Self::NoLeader),
        ("member-lost", Self::MemberLost),
        ("redundancy-lost", Self::RedundancyLost),
        ("flapping", Self::Flapping),
        ("drift", Self::Drift),
        ("store-lost", Self::StoreLost),
        ("certificate-ending", Self::CertificateEnding),
        ("state-stale", Self::StateStale),
        ("split-vote", Self::SplitVote),
        ("drill-failed", Self::DrillFailed),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let mut words = Self::WORDS.iter();
        words.find(|(_, rule)| *rule == self).map(|(word, _)| *word).expect("every rule has a word")
    }

    /// How much it matters, a planned change of leader aside.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::NoLeader | Self::StoreLost => Severity::Critical,
            Self::LeaderChange
            | Self::MemberLost
            | Self::RedundancyLost
            | Self::Flapping
            | Self::Drift
            | Self::CertificateEnding
            | Self::StateStale
            | Self::SplitVote
            | Self::DrillFailed => Severity::Warning,
        }
    }

    /// Whether it happens, and is not so for a while.
    #[must_use]
    pub const fn is_event(self) -> bool {
        matches!(self, Self::LeaderChange | Self::SplitVote | Self::DrillFailed)
    }

    /// Whether only the node that it is about sees it.
    #[must_use]
    pub const fn is_own(self) -> bool {
        matches!(self, Self::StoreLost | Self::CertificateEnding | Self::DrillFailed)
    }

    /// Whether a node says it for itself while the store does not answer. The rest follows from that, or can wait.
    #[must_use]
    pub const fn cannot_wait(self) -> bool {
        matches!(self, Self::StoreLost | Self::NoLeader)
    }

    /// For how long it has to be so before it is said, and to be over before that is said. What a failover or a
    /// restart of an agent brings with it is no news of its own.
    #[must_use]
    pub fn patience(self, ttl: Duration) -> Duration {
        match self {
            Self::NoLeader | Self::StoreLost => (ttl * 3).max(Duration::from_secs(5)),
            Self::MemberLost | Self::RedundancyLost => ttl.max(Duration::from_secs(3)),
            Self::Drift | Self::StateStale => (ttl * 5).max(Duration::from_secs(30)),
            Self::LeaderChange | Self::Flapping | Self::CertificateEnding | Self::SplitVote | Self::DrillFailed => {
                Duration::ZERO
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart() {
        for (word, rule) in Rule::WORDS {
            assert_eq!(rule.word(), *word);
            assert_eq!(Rule::WORDS.iter().filter(|(other, _)| other == word).count(), 1, "{word}");
        }
    }
}
