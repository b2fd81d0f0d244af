//! Giving the word: to the peers by UDP, to any new agent on this machine by a Unix socket.
//!
//! Everything is opened at the guard's start. Who asks before the death is proven waits, a bounded number of them.
//! Nothing here decides *when* the word may be given.

use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use rustix::net::sockopt::socket_peercred;
use rustix::process::getuid;

use crate::ask;
use crate::settings::Settings;
use crate::wire::PEERS_MAX;
use crate::word::{Trigger, Word};

const MS: u64 = 1_000_000;
/// When the datagrams go, counted from the proof: early ones for speed, later ones for loss and for a bridge that
/// learns; then one every second.
const REPEATS: [u64; 6] = [0, 5 * MS, 20 * MS, 60 * MS, 150 * MS, 400 * MS];
const REPEATS_THEN: u64 = 1000 * MS;
/// Who may wait for the word at once: a new agent, a person, and their second tries. More wait in the kernel's queue.
const WAITERS_MAX: usize = 16;

/// What gives the word.
pub(crate) struct Herald {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
    peers: Vec<SocketAddr>,
    datagram: Vec<u8>,
    secret: [u8; 32],
    listener: UnixListener,
    waiters: Vec<UnixStream>,
    proven: Option<Proven>,
}

/// Since when the word may be given, and how often it was sent.
struct Proven {
    since: u64,
    sent: usize,
}

impl Herald {
    /// Opens the sockets. A machine without IPv6 (or IPv4) is fine.
    pub(crate) fn new(settings: &Settings, secret: [u8; 32]) -> io::Result<Self> {
        let (cluster, node) = (settings.cluster.clone(), settings.node.clone());
        let mut herald = Self {
            v4: udp((Ipv4Addr::UNSPECIFIED, 0).into()),
            v6: udp((Ipv6Addr::UNSPECIFIED, 0).into()),
            peers: Vec::with_capacity(PEERS_MAX),
            datagram: Word { session: settings.session, secret, cluster, node, trigger: None }.encode(),
            secret,
            listener: ask::listener(settings.session)?,
            waiters: Vec::with_capacity(WAITERS_MAX),
            proven: None,
        };
        herald.tell(&settings.peers);
        Ok(herald)
    }

    /// Whom to tell from now on.
    pub(crate) fn tell(&mut self, peers: &[SocketAddr]) {
        self.peers.clear();
        self.peers.extend(peers.iter().take(PEERS_MAX));
    }

    /// The death is proven: from now on the word is given, with what made it end. The datagram has room for that.
    pub(crate) fn prove(&mut self, now: u64, trigger: Trigger) {
        if self.proven.is_none() {
            self.datagram.push(trigger.byte());
            self.proven = Some(Proven { since: now, sent: 0 });
        }
        self.serve(now);
    }

    /// When there is something to send next.
    pub(crate) fn wake_at(&self) -> Option<u64> {
        self.proven.as_ref().map(|proven| proven.since.saturating_add(offset(proven.sent)))
    }

    /// Where who asks knocks; `None` while no more may wait.
    pub(crate) fn door(&self) -> Option<BorrowedFd<'_>> {
        (self.waiters.len() < WAITERS_MAX).then(|| self.listener.as_fd())
    }

    /// Who waits; readable when they have gone.
    pub(crate) fn waiters(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.waiters.iter().map(AsFd::as_fd)
    }

    /// Lets in who knocks, lets go who has gone, and gives the word if it may be given.
    pub(crate) fn serve(&mut self, now: u64) {
        self.waiters.retain(is_there);
        while self.waiters.len() < WAITERS_MAX {
            let Ok((stream, _)) = self.listener.accept() else {
                break;
            };
            if may_ask(&stream) && stream.set_nonblocking(true).is_ok() {
                self.waiters.push(stream);
            }
        }
        if self.wake_at().is_some_and(|at| at <= now) {
            self.send();
        }
        if self.proven.is_some() {
            // Thirty-two bytes into an empty socket buffer: it takes them or its reader has gone.
            self.waiters.drain(..).for_each(|mut waiter| _ = waiter.write(&self.secret));
        }
    }

    fn send(&mut self) {
        for peer in &self.peers {
            let socket = if peer.is_ipv4() { &self.v4 } else { &self.v6 };
            if let Some(socket) = socket {
                // Lost, refused, unreachable: the repeats are the answer to all of them.
                let _ = socket.send_to(&self.datagram, peer);
            }
        }
        if let Some(proven) = &mut self.proven {
            proven.sent += 1;
        }
    }
}

fn offset(sent: usize) -> u64 {
    let last = REPEATS.len() - 1;
    REPEATS.get(sent).copied().unwrap_or_else(|| REPEATS[last] + REPEATS_THEN * (sent - last) as u64)
}

fn udp(address: SocketAddr) -> Option<UdpSocket> {
    let socket = UdpSocket::bind(address).ok()?;
    socket.set_nonblocking(true).ok()?;
    Some(socket)
}

/// The same user or root: others may not fill the waiting room.
fn may_ask(stream: &UnixStream) -> bool {
    socket_peercred(stream).is_ok_and(|peer| peer.uid.is_root() || peer.uid == getuid())
}

/// Nobody who waits says anything, so anything to read is the end.
fn is_there(waiter: &UnixStream) -> bool {
    use rustix::net::{RecvFlags, recv};
    let mut byte = [0_u8; 1];
    matches!(recv(waiter, &mut byte, RecvFlags::DONTWAIT), Err(rustix::io::Errno::AGAIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_repeated_densely_and_then_every_second() {
        let instants: Vec<u64> = (0..9).map(|sent| offset(sent) / MS).collect();
        assert_eq!(instants, [0, 5, 20, 60, 150, 400, 1400, 2400, 3400]);
    }
}
