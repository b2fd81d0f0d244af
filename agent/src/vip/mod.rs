//! What follows a leadership once it is announced: IP addresses of our own, and a command that moves somebody else's.
//!
//! ```text
//!  Announce ──> Followers ──> a task per group ──┬─ each address: free? ──> guard raises it ──> told to everybody, again
//!                                                └─ the command, again until it succeeds (in the guard's tree)
//!  Withdraw ──> Followers ──> guard lowers at once; the task ends the command ──> Withdrawn, and only then a release
//! ```
//! The agent never adds or removes an address itself: the guard does, so that none outlives its session whatever becomes
//! of the agent (D5). The command runs in the guard's tree, so that none of an old epoch runs beside one of a newer (D3).

mod address;
mod arp;
mod followers;
mod group;
mod holdings;
mod hook;
mod ndp;
mod ready;
mod shown;
mod wire;

pub use followers::{Followers, Hands, Word};
pub use holdings::{Holdings, Tell};
pub use ready::check;
pub use shown::Shown;

/// How long the kernel is to keep an address should all of ours be lost or frozen at once: as long as the lease, in whole
/// seconds, which is all that it can count.
#[must_use]
pub fn seconds(timing: &hotseat_core::Timing) -> u32 {
    let lease = timing.lease().as_secs();
    u32::try_from(lease).unwrap_or(hotseat_guard::SECONDS_MAX).clamp(1, hotseat_guard::SECONDS_MAX)
}
