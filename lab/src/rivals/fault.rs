//! What is done to the systems: to whom, for how long, and what it may cost.

use std::time::Duration;

use super::System;
use crate::spec::Store;

/// What is done, to the node that leads unless another is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL to what keeps the service available: agent, `etcdctl`, `keepalived`.
    Process,
    /// Its host is unplugged; plugged in again when another one leads.
    Host,
    /// SIGSTOP to the same; SIGCONT when another one leads.
    Stopped,
    /// The stop that its documentation gives.
    Graceful,
    /// What its host sends to the other nodes is lost.
    Mute,
    /// What the other nodes send to its host is lost.
    Deaf,
    /// Its host and that of one other node cannot reach each other: each of the two sees the third alone.
    Pair,
    /// The host of the node that leads the log is unplugged, and it leads nothing else.
    LogLeader,
    /// The host of the node that leads, and leads the log too, is unplugged.
    Both,
    /// Each fsync on one node takes five seconds, on another node in each trial.
    Stall,
}

/// What is done to processes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Blow {
    Kill,
    Stop,
    /// Asked to end, in the way that its documentation gives.
    Ask,
}

/// How long one fsync takes on a disk that stalls, and for how long it does.
pub(super) const STALL: Duration = Duration::from_secs(5);

/// A cut lasts for so many leases, and not less than [`CUT_MIN`]: whoever believes in a loss believes in it by then.
const CUT_LEASES: u32 = 2;

/// See [`CUT_LEASES`].
const CUT_MIN: Duration = Duration::from_secs(2);

/// How often the lead may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes {
    /// It has to, once.
    One,
    /// Once is enough.
    OneAtMost,
    /// Nobody has lost anything: it must not.
    None,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Process,
        Self::Host,
        Self::Stopped,
        Self::Graceful,
        Self::Mute,
        Self::Deaf,
        Self::Pair,
        Self::LogLeader,
        Self::Both,
        Self::Stall,
    ];

    /// For `--fault`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Host => "host",
            Self::Stopped => "stopped",
            Self::Graceful => "graceful",
            Self::Mute => "mute",
            Self::Deaf => "deaf",
            Self::Pair => "pair",
            Self::LogLeader => "log-leader",
            Self::Both => "both",
            Self::Stall => "stall",
        }
    }

    /// For people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Process => "process SIGKILL",
            Self::Host => "host loss",
            Self::Stopped => "process SIGSTOP",
            Self::Graceful => "graceful stop",
            Self::Mute => "leader mute: what it sends to the nodes is lost",
            Self::Deaf => "leader deaf: what the nodes send to it is lost",
            Self::Pair => "leader and one standby cut from each other",
            Self::LogLeader => "host loss of the log's leader alone",
            Self::Both => "host loss of the leader, of the log's too",
            Self::Stall => "fsync takes 5 s, on each node in turn",
        }
    }

    /// How often the lead may change.
    #[must_use]
    pub const fn changes(self) -> Changes {
        match self {
            Self::Process | Self::Host | Self::Stopped | Self::Graceful | Self::Both => Changes::One,
            Self::Mute | Self::Deaf | Self::Pair => Changes::OneAtMost,
            Self::LogLeader | Self::Stall => Changes::None,
        }
    }

    /// Whether a system can suffer it.
    pub(super) fn befalls(self, system: System, store: Store) -> bool {
        match self {
            Self::LogLeader | Self::Both | Self::Stall => match system {
                System::Hotseat(_) => store == Store::Raft,
                System::Etcd => true,
                System::Keepalived(_) => false,
            },
            Self::Process | Self::Host | Self::Stopped | Self::Graceful | Self::Mute | Self::Deaf | Self::Pair => true,
        }
    }

    /// Whether the leader has to lead the log too, or must not; `None` where it does not matter.
    pub(super) const fn together(self) -> Option<bool> {
        match self {
            Self::Both => Some(true),
            Self::LogLeader => Some(false),
            Self::Process
            | Self::Host
            | Self::Stopped
            | Self::Graceful
            | Self::Mute
            | Self::Deaf
            | Self::Pair
            | Self::Stall => None,
        }
    }

    /// For how long it lasts; `None` where it is eased as soon as another one answers.
    pub(super) fn lasts(self, system: System) -> Option<Duration> {
        match self {
            Self::Process | Self::Host | Self::Stopped | Self::Graceful | Self::Both => None,
            Self::Mute | Self::Deaf | Self::Pair | Self::LogLeader => Some(CUT_MIN.max(system.lease() * CUT_LEASES)),
            Self::Stall => Some(STALL),
        }
    }
}
