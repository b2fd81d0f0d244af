//! Ports of this machine that are free. A port that was free may be taken a moment later: it only improves the odds.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use crate::commands::Failed;

/// Where the agents listen, if nobody else does.
const AGENTS: u16 = 7701;

/// The first of the ports that are searched: below those that the system gives to clients, which could take
/// the port of a standby whose server does not run.
const SEARCH: u16 = 20_000;

/// How many are searched, and from where on depends on who asks, so that two `dev`s rarely meet.
const SEARCHED: u16 = 12_000;

/// Ports for this `dev`. The usual ones belong to whoever holds the name, for as long as it lives.
#[derive(Debug)]
pub(super) struct Ports {
    usual: Option<UnixListener>,
    next: u16,
}

impl Ports {
    pub(super) fn new() -> Self {
        let name = SocketAddr::from_abstract_name(b"hotseat-dev-7701");
        let usual = name.and_then(|name| UnixListener::bind_addr(&name)).ok();
        let spread = u16::try_from(std::process::id() % 500).unwrap_or(0) * 24;
        Self { usual, next: spread }
    }

    /// For the agent of this place, from 0.
    pub(super) fn agent(&mut self, place: usize) -> Result<u16, Failed> {
        let usual = AGENTS + u16::try_from(place).unwrap_or(u16::MAX - AGENTS);
        if self.usual.is_some() && is_free(usual) { Ok(usual) } else { self.any() }
    }

    /// Any that is free.
    pub(super) fn any(&mut self) -> Result<u16, Failed> {
        for _ in 0..SEARCHED {
            let port = SEARCH + self.next;
            self.next = (self.next + 1) % SEARCHED;
            if is_free(port) {
                return Ok(port);
            }
        }
        Err(Failed::new(format!("no port is free between {SEARCH} and {}", SEARCH + SEARCHED)))
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
