//! Ports that nothing else takes: below those that the kernel gives to outgoing connections, in a slice of its
//! own for each process, free for TCP and UDP when they are given out.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// First port given out.
const FIRST: u32 = 10_000;
/// Ports of one process; tests that run at once have different process ids.
const SLICE: u32 = 64;
/// Slices below 32768, where the kernel's own range begins.
const SLICES: u32 = 350;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A port that is free on the loopback address now, and that no other test will be given.
pub(crate) fn free() -> u16 {
    let slice = std::process::id() % SLICES;
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (slice * SLICE + next) % (SLICES * SLICE);
        let port = u16::try_from(port).expect("below 32768");
        let address = (Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return port;
        }
    }
}
