//! Who a client is, when it comes through a balancer: the first bytes of a connection, as HAProxy's PROXY protocol has
//! them (versions 1 and 2), taken from those who may say it, and said to the service.
//!
//! ```text
//!  a connection ── sender is in `from` ── a whole preamble in time ──▶ the ends it names
//!       │                                └─ anything else ──▶ refused
//!       └── anybody else ── begins like a preamble ──▶ refused
//!                         └─ does not ──▶ the ends of its own socket
//! ```
//!
//! It takes no byte beyond the preamble from the connection, and believes nobody who is not named in the configuration.
//! The checksum and whatever else a preamble of version 2 holds besides addresses is not looked at.

mod intake;
mod parse;
mod take;
#[cfg(test)]
mod tests;

pub use intake::{Intake, Refusal};

use proxy_header::{ProxiedAddress, ProxyHeader};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpStream;

/// How a preamble is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

/// Both ends of a connection, as the client sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The client's own.
    pub client: SocketAddr,
    /// The one it connected to.
    pub server: SocketAddr,
}

impl Ends {
    /// Those of a socket.
    ///
    /// # Errors
    /// When the client is gone again.
    pub fn of(client: &TcpStream) -> io::Result<Self> {
        Ok(Self { client: canonical(client.peer_addr()?), server: canonical(client.local_addr()?) })
    }

    /// The preamble that says so, to be sent before anything else.
    #[must_use]
    pub fn preamble(self, version: Version) -> Vec<u8> {
        let header = ProxyHeader::with_address(self.of_one_family());
        let mut bytes = Vec::new();
        let written = match version {
            Version::V1 => header.encode_v1(&mut bytes),
            Version::V2 => header.encode_v2(&mut bytes),
        };
        written.expect("a stream, both ends of one family, and nothing else fits both versions");
        bytes
    }

    /// A preamble holds addresses of one family. Where they are of two, IPv4 is written in the manner of IPv6.
    fn of_one_family(self) -> ProxiedAddress {
        let (client, server) = (canonical(self.client), canonical(self.server));
        if client.is_ipv4() == server.is_ipv4() {
            return ProxiedAddress::stream(client, server);
        }
        ProxiedAddress::stream(mapped(client), mapped(server))
    }
}

/// An IPv4 client of a listener on `[::]` is an IPv4 client.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn mapped(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    SocketAddr::new(ip.into(), address.port())
}
