//! The lanes between two nodes: connections of their own, so that what is urgent never stands behind what is long.

use std::time::Duration;

/// The longest small frame: a vote, or a word between members.
const SMALL_MAX: usize = 1024 * 1024;

/// The longest large frame: a batch of log entries, or a piece of a snapshot.
const LARGE_MAX: usize = 16 * 1024 * 1024;

/// What the requests under way on one connection may hold in memory, on each side, in KiB.
pub(super) const BUDGET: usize = 32 * 1024;

/// The least patience with a peer on the lane of the log: short enough that the log is soon back after a partition.
const SILENCE_LOG: Duration = Duration::from_secs(1);

/// The same where single frames take seconds.
const SILENCE_BULK: Duration = Duration::from_secs(10);

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Renewals and their acknowledgements: small, and each late one costs somebody a part of a lease.
    Votes,
    /// The log.
    Log,
    /// Snapshots.
    Bulk,
    /// Everything else.
    Control,
}

impl Lane {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Votes, Self::Log, Self::Bulk, Self::Control];

    /// The longest request or answer, in bytes.
    #[must_use]
    pub const fn frame_max(self) -> usize {
        match self {
            Self::Votes | Self::Control => SMALL_MAX,
            Self::Log | Self::Bulk => LARGE_MAX,
        }
    }

    /// What a request of this size takes from the budget. The least a lane takes bounds how many are under way.
    pub(super) fn cost(self, bytes: usize) -> u32 {
        let least = match self {
            Self::Votes => BUDGET / 128,
            Self::Log => BUDGET / 64,
            Self::Control => BUDGET / 32,
            Self::Bulk => BUDGET / 4,
        };
        u32::try_from((bytes / 1024).clamp(least, BUDGET)).expect("the budget is far below 4 TiB")
    }

    /// How long what is sent may stay unacknowledged, for nodes whose votes have this long. Of a vote that late, nothing
    /// is lost with the connection; of the log and of snapshots much is, and a busy disk alone must not do that.
    pub(super) fn silence(self, of_votes: Duration) -> Duration {
        match self {
            Self::Votes => of_votes,
            Self::Log | Self::Control => of_votes.max(SILENCE_LOG),
            Self::Bulk => of_votes.max(SILENCE_BULK),
        }
    }

    pub(super) const fn byte(self) -> u8 {
        match self {
            Self::Votes => 1,
            Self::Log => 2,
            Self::Bulk => 3,
            Self::Control => 4,
        }
    }

    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.byte() == byte)
    }
}
