//! Frames on the wire of one interface, ARP or ICMPv6: the kernel writes the Ethernet header, the caller the rest.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::{Link, Mac};

const ETH_P_ARP: u16 = 0x0806;
const ETH_P_IPV6: u16 = 0x86dd;
/// Where the next header stands in an IPv6 header, and the type in the ICMPv6 header after it.
const NEXT_HEADER: u32 = 6;
const ICMP_TYPE: u32 = 40;
const ICMPV6: u32 = 58;
const NEIGHBOUR_ADVERTISEMENT: u32 = 136;

/// What a socket is to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// ARP.
    Arp,
    /// Neighbour advertisements of IPv6. The kernel drops everything else before it costs room.
    Neighbours,
}

/// A frame that was heard: how long it is, and which hardware address sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Bytes written to the caller's buffer.
    pub len: usize,
    /// Who sent it.
    pub from: Mac,
}

/// A packet socket on one interface; never blocks.
#[derive(Debug)]
pub struct Ethernet {
    socket: OwnedFd,
    index: i32,
    protocol: u16,
}

impl Ethernet {
    /// Opens one.
    ///
    /// # Errors
    /// `PermissionDenied` without `CAP_NET_RAW`; otherwise what the system said.
    pub fn open(link: &Link, frames: Frames) -> io::Result<Self> {
        let protocol = match frames {
            Frames::Arp => ETH_P_ARP,
            Frames::Neighbours => ETH_P_IPV6,
        };
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: socket takes no pointers. With protocol 0 it hears nothing before it is bound.
        let fd = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just given us this descriptor, and nobody else knows it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let index = i32::try_from(link.index).map_err(|_| io::ErrorKind::InvalidInput)?;
        let ethernet = Self { socket, index, protocol };
        if frames == Frames::Neighbours {
            ethernet.hear_neighbours_only()?;
        }
        ethernet.bind()?;
        Ok(ethernet)
    }

    fn bind(&self) -> io::Result<()> {
        let here = self.place([0; 6]);
        // SAFETY: `here` is an initialised sockaddr_ll of the size given.
        let bound = unsafe { libc::bind(self.as_raw_fd(), (&raw const here).cast(), size_of_val(&here) as u32) };
        if bound == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// On a busy wire everything else would fill the socket's buffer, and the one answer would be lost.
    fn hear_neighbours_only(&self) -> io::Result<()> {
        const LOAD_BYTE: u16 = (libc::BPF_LD | libc::BPF_B | libc::BPF_ABS) as u16;
        const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
        const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
        let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
        let mut steps = [
            step(LOAD_BYTE, 0, 0, NEXT_HEADER),
            step(JUMP_IF_EQUAL, 0, 3, ICMPV6),
            step(LOAD_BYTE, 0, 0, ICMP_TYPE),
            step(JUMP_IF_EQUAL, 0, 1, NEIGHBOUR_ADVERTISEMENT),
            step(RETURN, 0, 0, u32::MAX),
            step(RETURN, 0, 0, 0),
        ];
        let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
        // SAFETY: the program points to `steps`, which lives through the call; the kernel checks and copies it.
        let set = unsafe {
            libc::setsockopt(
                self.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_ATTACH_FILTER,
                (&raw const program).cast(),
                size_of_val(&program) as u32,
            )
        };
        if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Sends what comes after the Ethernet header.
    ///
    /// # Errors
    /// `NetworkDown` if the interface is; otherwise what the system said.
    pub fn send(&self, to: Mac, payload: &[u8]) -> io::Result<()> {
        let there = self.place(to);
        // SAFETY: the payload and `there` are initialised and of the sizes given.
        let sent = unsafe {
            libc::sendto(
                self.as_raw_fd(),
                payload.as_ptr().cast(),
                payload.len(),
                libc::MSG_DONTWAIT,
                (&raw const there).cast(),
                size_of_val(&there) as u32,
            )
        };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// The next frame that somebody else sent, without its Ethernet header; `None` if there is none at the moment.
    ///
    /// # Errors
    /// What the system said, `NetworkDown` among others.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Heard>> {
        loop {
            let mut from = self.place([0; 6]);
            let mut room = size_of_val(&from) as u32;
            // SAFETY: the kernel writes at most `buffer.len()` bytes to the buffer and `room` bytes to `from`.
            let len = unsafe {
                libc::recvfrom(
                    self.as_raw_fd(),
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    libc::MSG_DONTWAIT,
                    (&raw mut from).cast(),
                    &raw mut room,
                )
            };
            let Ok(len) = usize::try_from(len) else {
                let error = io::Error::last_os_error();
                return if error.kind() == io::ErrorKind::WouldBlock { Ok(None) } else { Err(error) };
            };
            // What this machine sends is heard by it as well.
            if from.sll_pkttype != libc::PACKET_OUTGOING {
                let [a, b, c, d, e, f, ..] = from.sll_addr;
                return Ok(Some(Heard { len, from: [a, b, c, d, e, f] }));
            }
        }
    }

    fn place(&self, mac: Mac) -> libc::sockaddr_ll {
        let [a, b, c, d, e, f] = mac;
        libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: self.protocol.to_be(),
            sll_ifindex: self.index,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 6,
            sll_addr: [a, b, c, d, e, f, 0, 0],
        }
    }
}

impl AsRawFd for Ethernet {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
