//! What agent and guard say to each other over their socket, and how it is written down.
//!
//! One packet of a `SOCK_SEQPACKET` pair is one message: a version byte, a kind byte, the fields. Every length is
//! bounded; hostile or torn bytes give an error and never a panic. This file never reads a socket.
//!
//! ```text
//!  agent -> guard   Setup Deadline Peers Start Signal Kill Raise Lower End
//!  guard -> agent   Hello|Unfit Started StartFailed Exited Gone Raised Lowered Overdue Proof
//! ```

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::lan::Address;
use crate::settings::Settings;

mod address;
mod command;
mod report;

/// The version of this encoding; agent and guard are one binary, so a difference is an upgrade half done.
pub(crate) const VERSION: u8 = 1;
/// The largest packet in either direction; a `Start` with a large environment is the only big one.
pub const PACKET_MAX: usize = 128 * 1024;
/// The longest name of a cluster, a node or a start, in bytes.
pub const NAME_MAX: usize = 64;
/// The most peers a guard tells.
pub const PEERS_MAX: usize = 64;
/// The most services and hooks one guard holds at once.
pub const SLOTS_MAX: usize = 4096;
/// The longest that the kernel may keep an address for us.
pub const SECONDS_MAX: u32 = 3600;
/// The most addresses one guard holds at once.
pub const ADDRESSES_MAX: usize = 64;

/// What the agent tells its guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The first message, once; [`Guard::spawn`](crate::Guard::spawn) sends it.
    Setup(Settings),
    /// Until when the guard may let things live: nanoseconds of `CLOCK_BOOTTIME`. Never moves back: a smaller value is
    /// ignored. Before the first one nothing is started.
    Deadline {
        /// Nanoseconds of `CLOCK_BOOTTIME`; see [`boottime`](crate::boottime).
        at: u64,
    },
    /// Whom to tell, in place of the peers known until now.
    Peers(Vec<SocketAddr>),
    /// Start a service or hook. The file descriptor sent along becomes its standard output and error.
    Start(Start),
    /// Send a signal to the main process of a slot, and to it alone; ignored if it has exited.
    Signal {
        /// Which start.
        slot: u32,
        /// The signal's number, 1 to 64.
        signo: i32,
    },
    /// Kill the whole tree of a slot.
    Kill {
        /// Which start.
        slot: u32,
    },
    /// Put an address on its interface, and keep it there until it is to be lowered or the session is over. The kernel is
    /// told to take it away by itself after so many seconds, and told again all the while: so it goes even when
    /// everything of ours is dead or frozen.
    Raise {
        /// What and where.
        address: Address,
        /// How long it may outlive us, 1 to [`SECONDS_MAX`].
        seconds: u32,
    },
    /// Take an address away. One that is not held is left alone.
    Lower {
        /// Which.
        address: Address,
    },
    /// The session ends: kill everything, prove it, give the word, linger, leave.
    End,
}

/// One service or hook to start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// The agent's number for it; free again after [`Report::Gone`] or [`Report::StartFailed`].
    pub slot: u32,
    /// What `ps` shows, at most [`NAME_MAX`] bytes: the group's name.
    pub name: String,
    /// The command and its arguments. Without a slash the command is looked up in the `PATH` of `env`.
    pub argv: Vec<OsString>,
    /// The whole environment; nothing is inherited.
    pub env: Vec<(OsString, OsString)>,
    /// The working directory; `None` is the guard's.
    pub cwd: Option<PathBuf>,
}

/// How a guard holds what it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contained {
    /// By a cgroup and by the process tree.
    Cgroup,
    /// By the process tree alone.
    Tree,
}

/// What the guard tells its agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The first message: the guard is ready for a deadline.
    Hello {
        /// SHA-256 of the secret that will prove the death; goes into the session's record (D6).
        proof_hash: [u8; 32],
        /// How it will hold what it starts.
        containment: Contained,
        /// Whether its memory is locked; without, a machine that swaps can make it late.
        memory_locked: bool,
        /// The guard's process id.
        pid: u32,
    },
    /// In place of `Hello`: the guard cannot do its work and has left. Nothing was started.
    Unfit {
        /// Why, as the system said it: a watchdog that cannot be opened, no `/proc`, no descriptors.
        errno: i32,
    },
    /// The command runs: its `execve` succeeded.
    Started {
        /// Which start.
        slot: u32,
        /// The main process.
        pid: u32,
    },
    /// The command does not run and the slot is free again; neither `Exited` nor `Gone` follows.
    StartFailed {
        /// Which start.
        slot: u32,
        /// Why: `ENOENT` no such command, `EACCES` not executable, `ENOEXEC` not a program, `ENOTDIR` or `ENOENT`
        /// also for the working directory, `ETIME` no deadline yet or passed, `EBUSY` slot in use, `ENOSPC` too many.
        errno: i32,
    },
    /// The main process has ended; the rest of its tree is being killed.
    Exited {
        /// Which start.
        slot: u32,
        /// Its exit status, if it exited.
        code: Option<i32>,
        /// The signal that ended it, if one did.
        signal: Option<i32>,
    },
    /// Nothing of the slot's tree is alive: proven. The slot is free again.
    Gone {
        /// Which start.
        slot: u32,
    },
    /// An address is up; or it is not, and is not held any more. The latter may come later too: its interface has gone.
    Raised {
        /// Which.
        address: Address,
        /// 0, or why not: `EEXIST` it is on this machine already, `ENODEV` no such interface, `EPERM` or `EACCES` not
        /// allowed, `ETIME` no deadline yet or passed, `ENOSPC` too many, `EOPNOTSUPP` none were announced in
        /// [`Settings`].
        errno: i32,
    },
    /// An address is not held any more, and not up on account of this guard.
    Lowered {
        /// Which.
        address: Address,
    },
    /// Death was not proven within the budget: something cannot be killed. The guard goes on trying and no longer
    /// feeds the watchdog.
    Overdue,
    /// Everything is proven dead; the session can be ended with this.
    Proof {
        /// The preimage of `proof_hash`.
        secret: [u8; 32],
    },
}

/// Why a packet cannot be a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It ends too early.
    Torn,
    /// It goes on after the last field.
    Trailing,
    /// It is of another version.
    Version,
    /// No message has this kind.
    Kind,
    /// A length is over its bound.
    TooLong,
    /// A field has a value it cannot have.
    Value,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Torn => "the packet ends too early",
            Self::Trailing => "the packet goes on after its last field",
            Self::Version => "the packet is of another version",
            Self::Kind => "no message is of this kind",
            Self::TooLong => "a length is over its bound",
            Self::Value => "a field has a value that it cannot have",
        })
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for std::io::Error {
    fn from(error: Malformed) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, error)
    }
}
