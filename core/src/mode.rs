//! What the configuration says of a member: how it may take part, and what happens when its service ends.

use serde::{Deserialize, Serialize};

/// How a member takes part in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Leads when elected, stands by otherwise.
    #[default]
    Auto,
    /// As `Auto`, but refuses to start while another leads healthily.
    Leader,
    /// Stands by, leads when elected later; refuses to start while nobody leads.
    Standby,
    /// As `Standby`, with the service running.
    HotStandby,
    /// Runs the service read-only; never leads.
    Backup,
    /// Takes no part.
    Disabled,
}

impl Mode {
    /// The word that users type and see.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Leader => "leader",
            Self::Standby => "standby",
            Self::HotStandby => "hot-standby",
            Self::Backup => "backup",
            Self::Disabled => "disabled",
        }
    }

    /// Whether a member of this mode may ever lead.
    #[must_use]
    pub const fn may_lead(self) -> bool {
        match self {
            Self::Auto | Self::Leader | Self::Standby | Self::HotStandby => true,
            Self::Backup | Self::Disabled => false,
        }
    }
}

/// Whether the service runs on standbys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standby {
    /// Not running on standbys; started on promotion.
    #[default]
    Cold,
    /// Running on standbys, told its role.
    Hot,
}

/// What to do when a leader's service ends by itself or is unhealthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnExit {
    /// Fail over if a ready hot standby waits, else restart here.
    #[default]
    Auto,
    /// Restart here, with back-off; hand over when that keeps failing.
    Restart,
    /// Hand over at once if anybody can take it, else restart here.
    Failover,
}
