//! Messages of rtnetlink, written into memory of a fixed size and read with every length doubted.
//!
//! Only what is needed: add and delete an address, ask for a link, list addresses, understand the answers.

use std::net::IpAddr;

use super::Address;

/// `struct nlmsghdr`.
pub(super) const HEADER: usize = 16;
/// `struct ifaddrmsg`, after the header.
pub(super) const ADDRESS_HEADER: usize = 8;
/// `struct ifinfomsg`, after the header.
pub(super) const LINK_HEADER: usize = 16;

pub(super) const NLMSG_ERROR: u16 = 2;
pub(super) const NLMSG_DONE: u16 = 3;
pub(super) const RTM_NEWLINK: u16 = 16;
pub(super) const RTM_GETLINK: u16 = 18;
pub(super) const RTM_NEWADDR: u16 = 20;
pub(super) const RTM_DELADDR: u16 = 21;
pub(super) const RTM_GETADDR: u16 = 22;

pub(super) const REQUEST: u16 = 0x1;
pub(super) const ACK: u16 = 0x4;
pub(super) const DUMP: u16 = 0x300;
pub(super) const REPLACE: u16 = 0x100;
pub(super) const EXCLUSIVE: u16 = 0x200;
pub(super) const CREATE: u16 = 0x400;

pub(super) const IFA_ADDRESS: u16 = 1;
pub(super) const IFA_LOCAL: u16 = 2;
const IFA_CACHEINFO: u16 = 6;
const IFA_FLAGS: u16 = 8;
/// No duplicate address detection by the kernel: that has been done, and it would keep the address back for a second.
const IFA_F_NODAD: u32 = 0x02;

/// Room for the largest message that is written here, with some to spare.
const ROOM: usize = 128;

/// A message being written. It lives on the stack: lowering an address allocates nothing.
pub(super) struct Message {
    bytes: [u8; ROOM],
    len: usize,
}

impl Message {
    /// A message of this kind that has only its header yet.
    pub(super) fn new(kind: u16, flags: u16, sequence: u32) -> Self {
        let mut message = Self { bytes: [0; ROOM], len: HEADER };
        message.bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        message.bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        message.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        message
    }

    pub(super) fn push(mut self, bytes: &[u8]) -> Self {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        // Everything in a message begins at a multiple of four.
        self.len += bytes.len().next_multiple_of(4);
        self
    }

    pub(super) fn attribute(self, kind: u16, value: &[u8]) -> Self {
        let len = u16::try_from(value.len() + 4).expect("an attribute is short");
        let [a, b] = len.to_ne_bytes();
        let [c, d] = kind.to_ne_bytes();
        self.push(&[a, b, c, d]).push(value)
    }

    pub(super) fn finish(mut self) -> Finished {
        let len = u32::try_from(self.len).expect("a message is short");
        self.bytes[..4].copy_from_slice(&len.to_ne_bytes());
        Finished(self)
    }
}

/// A message that is complete.
pub(super) struct Finished(Message);

impl Finished {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0.bytes[..self.0.len]
    }
}

/// Asks for an address to be there for so many seconds from now; the kernel itself takes it away after them.
pub(super) fn raise(address: &Address, seconds: u32, flags: u16, sequence: u32) -> Finished {
    let message = about(address, RTM_NEWADDR, REQUEST | ACK | flags, sequence);
    // An IPv6 address that may move is never to be chosen as the source of what this machine begins: its preferred
    // lifetime is 0. IPv4 knows no such choice.
    let preferred = if address.ip.is_ipv6() { 0 } else { seconds };
    let mut lifetimes = [0; 16];
    lifetimes[..4].copy_from_slice(&preferred.to_ne_bytes());
    lifetimes[4..8].copy_from_slice(&seconds.to_ne_bytes());
    message.attribute(IFA_FLAGS, &IFA_F_NODAD.to_ne_bytes()).attribute(IFA_CACHEINFO, &lifetimes).finish()
}

/// Asks for an address to be gone.
pub(super) fn lower(address: &Address, sequence: u32) -> Finished {
    about(address, RTM_DELADDR, REQUEST | ACK, sequence).finish()
}

fn about(address: &Address, kind: u16, flags: u16, sequence: u32) -> Message {
    let family = family(address.ip);
    let [a, b, c, d] = address.interface.to_ne_bytes();
    let message = Message::new(kind, flags, sequence).push(&[family, address.prefix, 0, 0, a, b, c, d]);
    match address.ip {
        IpAddr::V4(ip) => message.attribute(IFA_LOCAL, &ip.octets()).attribute(IFA_ADDRESS, &ip.octets()),
        IpAddr::V6(ip) => message.attribute(IFA_LOCAL, &ip.octets()),
    }
}

fn family(ip: IpAddr) -> u8 {
    let family = if ip.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    u8::try_from(family).expect("address families are small")
}

/// One message of an answer.
pub(super) struct Answer<'a> {
    pub(super) kind: u16,
    pub(super) sequence: u32,
    /// What follows the header.
    pub(super) body: &'a [u8],
}

impl Answer<'_> {
    /// The outcome that an acknowledgement tells: 0 or an errno.
    pub(super) fn errno(&self) -> Option<i32> {
        let code = self.body.first_chunk().map(|code| i32::from_ne_bytes(*code).saturating_neg());
        code.filter(|_| self.kind == NLMSG_ERROR)
    }
}

/// The messages of one datagram, as many as are whole.
pub(super) fn answers(mut datagram: &[u8]) -> impl Iterator<Item = Answer<'_>> {
    std::iter::from_fn(move || {
        let header = datagram.first_chunk::<HEADER>()?;
        let len = usize::try_from(u32::from_ne_bytes(*header.first_chunk()?)).ok()?;
        let body = datagram.get(HEADER..len)?;
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        let sequence = u32::from_ne_bytes([header[8], header[9], header[10], header[11]]);
        datagram = datagram.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some(Answer { kind, sequence, body })
    })
}

/// The attributes of a message's body after its fixed part, as many as are whole.
pub(super) fn attributes(body: &[u8], fixed: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = body.get(fixed..).unwrap_or_default();
    std::iter::from_fn(move || {
        let head = rest.first_chunk::<4>()?;
        let len = usize::from(u16::from_ne_bytes([head[0], head[1]]));
        let value = rest.get(4..len)?;
        // The upper two bits are flags.
        let kind = u16::from_ne_bytes([head[2], head[3]]) & 0x3fff;
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_as_the_kernel_has_them() {
        let check = |ip: &str, prefix, len: usize, family| {
            let address = Address { interface: 7, ip: ip.parse().unwrap(), prefix };
            let message = lower(&address, 9);
            let bytes = message.bytes();
            assert_eq!(bytes.len(), len);
            let read: Vec<_> = answers(bytes).collect();
            assert_eq!((read.len(), read[0].kind, read[0].sequence), (1, RTM_DELADDR, 9));
            assert_eq!(&read[0].body[..8], [family, prefix, 0, 0, 7, 0, 0, 0]);
            let local = attributes(read[0].body, ADDRESS_HEADER).find(|(kind, _)| *kind == IFA_LOCAL).unwrap();
            assert_eq!(local.1.len(), if address.ip.is_ipv4() { 4 } else { 16 });
        };
        check("10.0.0.50", 24, 40, 2);
        check("fd00::50", 64, 44, 10);
    }

    #[test]
    fn lifetimes_are_in_it() {
        let address = Address { interface: 1, ip: "fd00::1".parse().unwrap(), prefix: 64 };
        let message = raise(&address, 5, CREATE, 1);
        let read = answers(message.bytes()).next().unwrap();
        let lifetimes = attributes(read.body, ADDRESS_HEADER).find(|(kind, _)| *kind == IFA_CACHEINFO).unwrap().1;
        assert_eq!(&lifetimes[..8], [0, 0, 0, 0, 5, 0, 0, 0]);
    }

    #[test]
    fn torn_answers_end_early() {
        let whole = lower(&Address { interface: 1, ip: "10.0.0.1".parse().unwrap(), prefix: 8 }, 1);
        for len in 0..whole.bytes().len() {
            assert_eq!(answers(&whole.bytes()[..len]).count(), 0, "{len}");
        }
        // Lengths that lie: shorter than a header, and far past the end.
        for lie in [0_u32, 3, 15, u32::MAX] {
            let mut bytes = whole.bytes().to_vec();
            bytes[..4].copy_from_slice(&lie.to_ne_bytes());
            assert_eq!(answers(&bytes).count(), 0, "{lie}");
        }
        for lie in [0_u16, 3, u16::MAX] {
            let mut body = vec![0; ADDRESS_HEADER];
            body.extend(lie.to_ne_bytes());
            body.extend([1, 0, 9, 9]);
            assert_eq!(attributes(&body, ADDRESS_HEADER).count(), 0, "{lie}");
        }
    }
}
