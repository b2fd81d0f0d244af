//! A look at the interfaces of this machine and at the addresses on them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::message::{self, ADDRESS_HEADER, Answer, LINK_HEADER, Message, attributes};
use super::netlink::Netlink;
use super::{Address, Mac};

/// As large as the kernel makes a piece of a listing.
const ROOM: usize = 64 * 1024;
/// Pieces of a listing; some hundred addresses fit into one.
const PIECES_MAX: usize = 4096;

const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_EXT_MASK: u16 = 29;
const SKIP_STATISTICS: u32 = 1 << 3;

const IFF_UP: u32 = 1;
const IFF_LOOPBACK: u32 = 1 << 3;
const IFF_RUNNING: u32 = 1 << 6;

/// The longest name of an interface.
const NAME_MAX: usize = 15;

/// An interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number; a new interface of the same name has another.
    pub index: u32,
    /// Its hardware address; `None` where there is none of six bytes, as in a tunnel.
    pub mac: Option<Mac>,
    /// Somebody has switched it on, and its cable is in.
    pub up: bool,
    /// It leads nowhere but to this machine.
    pub loopback: bool,
}

/// A look around. Blocks for no longer than the kernel takes to answer.
pub struct Look {
    netlink: Netlink,
    buffer: Box<[u8]>,
}

impl Look {
    /// # Errors
    /// What the system said: no descriptors left, or no netlink in this sandbox.
    pub fn new() -> io::Result<Self> {
        Ok(Self { netlink: Netlink::open()?, buffer: vec![0; ROOM].into_boxed_slice() })
    }

    /// The interface of this name.
    ///
    /// # Errors
    /// `NotFound` if there is none; otherwise what the system said.
    pub fn link(&mut self, name: &str) -> io::Result<Link> {
        if name.is_empty() || name.len() > NAME_MAX {
            return Err(io::ErrorKind::NotFound.into());
        }
        let sequence = self.netlink.next();
        let mut text = name.as_bytes().to_vec();
        text.push(0);
        let question = Message::new(message::RTM_GETLINK, message::REQUEST, sequence)
            .push(&[0; LINK_HEADER])
            .attribute(IFLA_EXT_MASK, &SKIP_STATISTICS.to_ne_bytes())
            .attribute(IFLA_IFNAME, &text);
        self.netlink.send(&question.finish())?;
        let datagram = self.netlink.receive(&mut self.buffer)?;
        let answer = message::answers(datagram).find(|answer| answer.sequence == sequence);
        let answer = answer.ok_or(io::ErrorKind::InvalidData)?;
        match answer.errno() {
            Some(libc::ENODEV) => Err(io::ErrorKind::NotFound.into()),
            Some(errno) => Err(io::Error::from_raw_os_error(errno)),
            None => link(&answer).ok_or_else(|| io::ErrorKind::InvalidData.into()),
        }
    }

    /// Whether this process may add and remove addresses. Changes nothing.
    ///
    /// # Errors
    /// `PermissionDenied` without `CAP_NET_ADMIN`.
    pub fn may_change(&mut self) -> io::Result<()> {
        // The kernel looks at permissions first, and then finds no interface of this number.
        let nowhere = Address { interface: i32::MAX.cast_unsigned(), ip: Ipv4Addr::BROADCAST.into(), prefix: 32 };
        Ok(self.netlink.lower(&nowhere)?)
    }

    /// Every address of this machine.
    ///
    /// # Errors
    /// What the system said.
    pub fn addresses(&mut self) -> io::Result<Vec<Address>> {
        let sequence = self.netlink.next();
        let flags = message::REQUEST | message::DUMP;
        let question = Message::new(message::RTM_GETADDR, flags, sequence).push(&[0; ADDRESS_HEADER]);
        self.netlink.send(&question.finish())?;
        let mut found = Vec::new();
        for _ in 0..PIECES_MAX {
            let datagram = self.netlink.receive(&mut self.buffer)?;
            for answer in message::answers(datagram).filter(|answer| answer.sequence == sequence) {
                match answer.kind {
                    message::NLMSG_DONE => return Ok(found),
                    message::RTM_NEWADDR => found.extend(address(&answer)),
                    _ => {
                        if let Some(errno) = answer.errno() {
                            return Err(io::Error::from_raw_os_error(errno));
                        }
                    }
                }
            }
        }
        Err(io::ErrorKind::InvalidData.into())
    }
}

fn link(answer: &Answer<'_>) -> Option<Link> {
    let fixed = answer.body.first_chunk::<LINK_HEADER>().filter(|_| answer.kind == message::RTM_NEWLINK)?;
    let index = u32::from_ne_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
    let flags = u32::from_ne_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]);
    let mac = attributes(answer.body, LINK_HEADER).find(|(kind, _)| *kind == IFLA_ADDRESS);
    Some(Link {
        index,
        mac: mac.and_then(|(_, mac)| Mac::try_from(mac).ok()),
        up: flags & IFF_UP != 0 && flags & IFF_RUNNING != 0,
        loopback: flags & IFF_LOOPBACK != 0,
    })
}

fn address(answer: &Answer<'_>) -> Option<Address> {
    let fixed = answer.body.first_chunk::<ADDRESS_HEADER>()?;
    let value = |kind| attributes(answer.body, ADDRESS_HEADER).find(|(its, _)| *its == kind).map(|(_, value)| value);
    // With a peer the two differ, and the local one is ours.
    let bytes = value(message::IFA_LOCAL).or_else(|| value(message::IFA_ADDRESS))?;
    let ip: IpAddr = match bytes.len() {
        4 => Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into(),
        16 => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into(),
        _ => return None,
    };
    Some(Address { interface: u32::from_ne_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]), ip, prefix: fixed[1] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_there() {
        let mut look = Look::new().unwrap();
        let link = look.link("lo").unwrap();
        assert!(link.loopback, "{link:?}");
        assert_eq!(look.link("no-such-thing").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(look.link("").unwrap_err().kind(), io::ErrorKind::NotFound);
        let home = Address { interface: link.index, ip: Ipv4Addr::LOCALHOST.into(), prefix: 8 };
        assert!(look.addresses().unwrap().contains(&home));
    }
}
