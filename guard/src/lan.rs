//! The local network as the kernel shows it: interfaces, the addresses on them, and frames on the wire.
//!
//! The guard raises and lowers addresses with it; the agent looks around and speaks ARP and NDP with it. One encoder
//! serves both. It never decides where an address belongs, and never waits: every socket here is asked, not watched.

mod ethernet;
mod look;
mod message;
mod netlink;

use std::fmt;
use std::net::IpAddr;

pub use ethernet::{Ethernet, Frames, Heard};
pub use look::{Link, Look};
pub(crate) use netlink::Netlink;

/// A hardware address.
pub type Mac = [u8; 6];

/// An address on an interface of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The interface's index.
    pub interface: u32,
    /// The address.
    pub ip: IpAddr,
    /// How many of its bits name the network.
    pub prefix: u8,
}

impl Address {
    /// The longest prefix that an address of this family can have.
    #[must_use]
    pub const fn prefix_max(ip: IpAddr) -> u8 {
        match ip {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}
