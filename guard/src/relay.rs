//! What a guard and one of its keepers say to each other: five bytes, a kind and a number.
//!
//! Both are the same program in the same moment, one forked from the other, so there is no version and no bound to
//! check; what is not understood is passed over.

use std::os::fd::AsFd;

use crate::packet::{self, Received};

const LEN: usize = 5;

/// What a keeper tells its guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FromKeeper {
    /// The command runs, as this process.
    Started(u32),
    /// The command does not run.
    Failed(i32),
    /// The main process has exited with this status, or was ended by this signal.
    Exited(Ending),
    /// The tree is empty: proven.
    Gone,
}

/// What a guard tells a keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToKeeper {
    /// Send this signal to the main process.
    Signal(i32),
    /// Kill the tree.
    Kill,
}

/// How a main process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Code(i32),
    Signal(i32),
}

impl Ending {
    pub(crate) fn code(self) -> Option<i32> {
        if let Self::Code(code) = self { Some(code) } else { None }
    }

    pub(crate) fn signal(self) -> Option<i32> {
        if let Self::Signal(signo) = self { Some(signo) } else { None }
    }
}

impl FromKeeper {
    /// Sends it; a guard that does not listen any more is dead, and its keeper knows that otherwise.
    pub(crate) fn send(self, socket: impl AsFd) {
        let (kind, number) = match self {
            Self::Started(pid) => (1, pid.cast_signed()),
            Self::Failed(errno) => (2, errno),
            Self::Exited(Ending::Code(code)) => (3, code),
            Self::Exited(Ending::Signal(signo)) => (4, signo),
            Self::Gone => (5, 0),
        };
        let _ = packet::send(socket, &encode(kind, number), None);
    }

    /// The next one, if there is one.
    pub(crate) fn receive(socket: impl AsFd) -> Option<Self> {
        match receive(socket)? {
            (1, pid) => Some(Self::Started(pid.cast_unsigned())),
            (2, errno) => Some(Self::Failed(errno)),
            (3, code) => Some(Self::Exited(Ending::Code(code))),
            (4, signo) => Some(Self::Exited(Ending::Signal(signo))),
            (5, _) => Some(Self::Gone),
            _ => None,
        }
    }
}

impl ToKeeper {
    /// Sends it; a keeper whose queue is full is stopped, and will be dealt with otherwise.
    pub(crate) fn send(self, socket: impl AsFd) {
        let (kind, number) = match self {
            Self::Signal(signo) => (1, signo),
            Self::Kill => (2, 0),
        };
        let _ = packet::send(socket, &encode(kind, number), None);
    }

    /// The next one, if there is one.
    pub(crate) fn receive(socket: impl AsFd) -> Option<Self> {
        match receive(socket)? {
            (1, signo) => Some(Self::Signal(signo)),
            (2, _) => Some(Self::Kill),
            _ => None,
        }
    }
}

fn encode(kind: u8, number: i32) -> [u8; LEN] {
    let mut packet = [kind; LEN];
    packet[1..5].copy_from_slice(&number.to_ne_bytes());
    packet
}

fn receive(socket: impl AsFd) -> Option<(u8, i32)> {
    let mut packet = [0; LEN];
    match packet::receive(socket, &mut packet) {
        Ok(Received::Packet(LEN, _)) => {
            let number = packet[1..].first_chunk().map(|number| i32::from_ne_bytes(*number));
            Some((packet[0], number?))
        }
        _ => None,
    }
}
