//! The guard: one small process per session that is the parent of everything the session runs.
//!
//! It holds an absolute deadline; at that instant everything it started dies, whole trees, by SIGKILL. When its agent
//! dies or hangs past the deadline it kills too, waits until the death is *proven*, and then gives its word: the
//! preimage of a hash that it published at its start (D6). It never waits for the agent, a store, a file or the network.
//!
//! ```text
//!  agent ──Deadline, Start, Signal, Kill, End──> guard ──forks──> keeper ──forks, execs──> service ──> its children
//!        <──Hello, Started, Exited, Gone, Proof──   │               │                         ^
//!                                                   │               '─ own timer, own view ───'  kills the tree
//!                                                   '─ cgroup.kill, SIGKILL, then the word: UDP to the peers,
//!                                                      and \0hotseat/SESSION for a new agent on this machine
//! ```
//!
//! | who is lost | who kills | who proves |
//! |---|---|---|
//! | agent (killed, or stopped past the deadline) | guard and keepers | guard |
//! | guard (killed, stopped) | keepers | nobody: the ttl (killed); the guard once it runs again (stopped) |
//! | agent and guard at once | keepers | nobody: the ttl |
//! | a keeper (killed, stopped) | guard, `PDEATHSIG`, cgroup | guard |
//! | all of them at once | `PDEATHSIG`; the next agent's [`sweep`] of the cgroups | nobody: the ttl |
//!
//! Virtual IP addresses go the same way: the guard lowers them before it kills and long before its word (D5), a keeper
//! in its place when the guard is lost, and the kernel itself, a second or a ttl later, when all are.
//!
//! For an agent: [`Guard::spawn`], [`Guard::send`], [`Guard::receive`]; before it, [`sweep`] and [`ask`]. For the peers:
//! [`Word::decode`]. For the binary: [`run`].
//!
//! What it never does: decide who leads, read or write a store, log, use a thread or a runtime, or count on a *relative*
//! time.

mod armour;
mod ask;
mod bytes;
mod cgroup;
mod clock;
mod fork;
mod handle;
mod herald;
mod keeper;
mod kin;
mod lan;
mod packet;
mod page;
mod readiness;
mod recipe;
mod relay;
mod run;
mod session;
mod settings;
mod signals;
mod slot;
mod sweep;
mod watchdog;
mod wire;
mod word;

pub use ask::{Answer, ask};
pub use clock::boottime;
pub use handle::Guard;
pub use lan::{Address, Ethernet, Frames, Heard, Link, Look, Mac};
pub use run::run;
pub use settings::{Containment, SessionId, Settings};
pub use sweep::{Swept, sweep};
pub use wire::{
    ADDRESSES_MAX, Command, Contained, Malformed, NAME_MAX, PACKET_MAX, PEERS_MAX, Report, SECONDS_MAX, SLOTS_MAX,
    Start,
};
pub use word::{DATAGRAM_MAX, MAGIC, Trigger, Word, proof_hash};
