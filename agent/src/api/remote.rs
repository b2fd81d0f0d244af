//! Where a request comes from, as the kernel says it. Nothing that the request says of itself is in here.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remote {
    /// Through the agent's own socket.
    Socket {
        /// The user at the other end.
        uid: u32,
    },
    /// Through the network, be it only that of this machine.
    Network {
        /// The other end.
        peer: SocketAddr,
        /// The address it came to.
        own: SocketAddr,
        /// Nobody on the way can read it.
        secure: bool,
    },
}

impl Remote {
    /// Whether it comes from this very machine. A connection from the address it came to is one, too: nobody else can
    /// hold it, as every answer stays here.
    #[must_use]
    pub fn is_here(&self) -> bool {
        match self {
            Self::Socket { .. } => true,
            Self::Network { peer, own, .. } => {
                let peer = peer.ip().to_canonical();
                peer.is_loopback() || peer == own.ip().to_canonical()
            }
        }
    }

    /// Whether nobody on the way can read what is said.
    #[must_use]
    pub fn is_private(&self) -> bool {
        match self {
            Self::Socket { .. } => true,
            Self::Network { secure, .. } => *secure || self.is_here(),
        }
    }

    /// The other end's address, if it has one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Socket { .. } => None,
            Self::Network { peer, .. } => Some(peer.ip().to_canonical()),
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip() {
            Some(ip) => ip.fmt(f),
            None => f.write_str("socket"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn here_is_loopback_and_the_address_that_was_asked() {
        let check = |peer: &str, own: &str, here| {
            let (peer, own) = (peer.parse().expect("an address"), own.parse().expect("an address"));
            assert_eq!(Remote::Network { peer, own, secure: false }.is_here(), here, "{peer} to {own}");
        };
        check("127.0.0.1:5", "127.0.0.1:7700", true);
        check("127.0.0.9:5", "127.0.0.1:7700", true);
        check("[::1]:5", "[::1]:7700", true);
        check("[::ffff:127.0.0.1]:5", "[::ffff:127.0.0.1]:7700", true);
        check("10.0.0.1:5", "10.0.0.1:7700", true);
        check("[::ffff:10.0.0.1]:5", "10.0.0.1:7700", true);
        check("10.0.0.2:5", "10.0.0.1:7700", false);
        check("[::2]:5", "[::1]:7700", false);
    }
}
