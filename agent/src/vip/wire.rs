//! One address on one wire: asking whether anybody has it, and telling everybody that it is here.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use hotseat_guard::{Ethernet, Frames, Link, Mac};
use tokio::io::unix::AsyncFd;

use super::{arp, ndp};
use crate::ready;

/// Questions that are asked before an address counts as free, and the time that each has to be answered. RFC 5227 takes
/// three and some seconds: meanwhile nobody would serve. Who has the address answers within one millisecond.
const PROBES: u32 = 3;
const PROBE_WAIT: Duration = Duration::from_millis(30);

/// As much of a frame as is looked at.
const FRAME: usize = 128;

/// See the module.
#[derive(Debug)]
pub(super) struct Wire {
    socket: AsyncFd<Ethernet>,
    own: Mac,
    ip: IpAddr,
}

impl Wire {
    /// Opens a socket on an interface that has a hardware address.
    pub(super) fn open(link: &Link, own: Mac, ip: IpAddr) -> io::Result<Self> {
        let frames = if ip.is_ipv4() { Frames::Arp } else { Frames::Neighbours };
        Ok(Self { socket: ready::ethernet(Ethernet::open(link, frames)?)?, own, ip })
    }

    /// Who has the address, if anybody does.
    pub(super) async fn probe(&self) -> io::Result<Option<Mac>> {
        for _ in 0..PROBES {
            match self.ip {
                IpAddr::V4(ip) => self.socket.get_ref().send(arp::EVERYBODY, &arp::probe(self.own, ip))?,
                IpAddr::V6(ip) => {
                    let (to, packet) = ndp::probe(ip);
                    self.socket.get_ref().send(to, &packet)?;
                }
            }
            if let Ok(owner) = tokio::time::timeout(PROBE_WAIT, self.owner()).await {
                return owner.map(Some);
            }
        }
        Ok(None)
    }

    /// Waits until somebody says that it has the address.
    async fn owner(&self) -> io::Result<Mac> {
        let mut frame = [0; FRAME];
        loop {
            let mut ready = self.socket.readable().await?;
            match self.socket.get_ref().receive(&mut frame)? {
                None => ready.clear_ready(),
                Some(heard) => {
                    let packet = &frame[..heard.len.min(FRAME)];
                    let owner = match self.ip {
                        IpAddr::V4(ip) => arp::claimed_by(packet, self.own, ip),
                        IpAddr::V6(ip) => Some(heard.from).filter(|from| *from != self.own && ndp::claims(packet, ip)),
                    };
                    if let Some(owner) = owner {
                        return Ok(owner);
                    }
                }
            }
        }
    }

    /// Tells everybody that the address is here.
    pub(super) fn announce(&self) -> io::Result<()> {
        match self.ip {
            IpAddr::V4(ip) => {
                let both = arp::announcements(self.own, ip);
                both.iter().try_for_each(|packet| self.socket.get_ref().send(arp::EVERYBODY, packet))
            }
            IpAddr::V6(ip) => {
                let (to, packet) = ndp::announcement(self.own, ip);
                self.socket.get_ref().send(to, &packet)
            }
        }
    }
}
