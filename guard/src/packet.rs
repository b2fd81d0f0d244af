//! One packet, and at most one file descriptor, over a `SOCK_SEQPACKET` socket; never blocks.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

use crate::wire::Malformed;

/// What came over the socket.
pub(crate) enum Received {
    /// A packet of this length, in the caller's buffer, and what was sent along.
    Packet(usize, Option<OwnedFd>),
    /// Nothing at the moment.
    Nothing,
    /// Nothing ever again: the other side is closed.
    Closed,
}

/// Sends one packet. `WouldBlock` if there is no room at the moment.
pub(crate) fn send(socket: impl AsFd, packet: &[u8], along: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if let Some(fd) = &along {
        ancillary.push(SendAncillaryMessage::ScmRights(std::slice::from_ref(fd)));
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    sendmsg(socket, &[IoSlice::new(packet)], &mut ancillary, flags)?;
    Ok(())
}

/// Takes one packet into `buffer`; a packet longer than that is an error, and so is an empty one.
pub(crate) fn receive(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Received> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let mut taken = recvmsg(&socket, &mut [IoSliceMut::new(buffer)], &mut ancillary, flags);
    if matches!(taken, Err(Errno::CONNRESET)) {
        // The other side has closed without reading everything, and that is told first, once: what it said before that
        // (`End`, `Proof`) is still there.
        taken = recvmsg(&socket, &mut [IoSliceMut::new(buffer)], &mut ancillary, flags);
    }
    let message = match taken {
        Ok(message) => message,
        Err(Errno::AGAIN | Errno::INTR) => return Ok(Received::Nothing),
        Err(Errno::CONNRESET) => return Ok(Received::Closed),
        Err(error) => return Err(error.into()),
    };
    let along = first_descriptor(&mut ancillary);
    if message.flags.contains(ReturnFlags::TRUNC) {
        return Err(Malformed::TooLong.into());
    }
    if message.bytes == 0 {
        return Ok(Received::Closed);
    }
    Ok(Received::Packet(message.bytes, along))
}

/// The first descriptor sent along; any others are closed as they are dropped.
fn first_descriptor(ancillary: &mut RecvAncillaryBuffer<'_>) -> Option<OwnedFd> {
    let mut first = None;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            for fd in descriptors {
                first.get_or_insert(fd);
            }
        }
    }
    first
}
