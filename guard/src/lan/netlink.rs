//! A socket to the kernel's table of interfaces and addresses.
//!
//! The kernel does what a message asks for within the call that sends it, and its answer is there when the call returns:
//! nothing here waits. Lowering an address opens and allocates nothing.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

use super::Address;
use super::message::{self, Finished};

/// The protocol of interfaces and addresses is the one with the number 0.
const ROUTE: Option<rustix::net::Protocol> = None;
/// Answers that are looked at for the one that is meant: more than the socket's buffer holds. Others are those to keepers
/// that use the same socket.
const ANSWERS_MAX: usize = 1024;
/// An acknowledgement with the message that it is about.
const ANSWER_ROOM: usize = 512;

/// See the module.
pub(crate) struct Netlink {
    socket: OwnedFd,
    sequence: u32,
}

impl Netlink {
    pub(crate) fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, ROUTE)?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Puts an address on its interface for so many seconds. `EXIST` if it is there already, whosever it is.
    pub(crate) fn raise(&mut self, address: &Address, seconds: u32) -> Result<(), Errno> {
        let sequence = self.next();
        self.ask(&message::raise(address, seconds, message::CREATE | message::EXCLUSIVE, sequence))
    }

    /// So many seconds more from now; and should somebody have taken it away, it is back.
    pub(crate) fn prolong(&mut self, address: &Address, seconds: u32) -> Result<(), Errno> {
        let sequence = self.next();
        self.ask(&message::raise(address, seconds, message::CREATE | message::REPLACE, sequence))
    }

    /// Takes an address away. One that is not there, or whose interface is not, is away.
    pub(crate) fn lower(&mut self, address: &Address) -> Result<(), Errno> {
        let sequence = self.next();
        match self.ask(&message::lower(address, sequence)) {
            Err(Errno::ADDRNOTAVAIL | Errno::NODEV) => Ok(()),
            other => other,
        }
    }

    /// The same through somebody else's socket, without a look at the answer: `true` if the kernel took the message.
    pub(crate) fn lower_blindly(socket: impl AsFd, address: &Address) -> bool {
        send(socket, message::lower(address, 0).bytes(), SendFlags::DONTWAIT).is_ok()
    }

    pub(super) fn next(&mut self) -> u32 {
        // 0 is for those who use somebody else's socket.
        self.sequence = self.sequence.wrapping_add(1).max(1);
        self.sequence
    }

    pub(super) fn send(&self, message: &Finished) -> Result<(), Errno> {
        send(&self.socket, message.bytes(), SendFlags::DONTWAIT).map(|_| ())
    }

    pub(super) fn receive<'a>(&self, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
        let (_, len) = recv(&self.socket, &mut *buffer, RecvFlags::DONTWAIT | RecvFlags::TRUNC)?;
        buffer.get(..len).ok_or(Errno::MSGSIZE)
    }

    fn ask(&self, message: &Finished) -> Result<(), Errno> {
        self.send(message)?;
        let mut buffer = [0; ANSWER_ROOM];
        for _ in 0..ANSWERS_MAX {
            let datagram = self.receive(&mut buffer)?;
            let ours = message::answers(datagram).filter(|answer| answer.sequence == self.sequence);
            match ours.filter_map(|answer| answer.errno()).next() {
                Some(0) => return Ok(()),
                Some(errno) => return Err(Errno::from_raw_os_error(errno)),
                None => {}
            }
        }
        Err(Errno::PROTO)
    }
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
