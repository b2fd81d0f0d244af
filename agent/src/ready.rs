//! Waiting for descriptors that tokio has no type for. The only file of the agent with `unsafe` in it.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use hotseat_guard::{Ethernet, Guard};
use tokio::io::unix::AsyncFd;

/// Waits on a timer's descriptor.
///
/// # Errors
/// When there is no runtime, or no room in its poll.
pub(crate) fn timer(timer: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` names the same open descriptor until it is dropped, and `AsyncFd` owns it.
    unsafe { register(timer) }
}

/// Waits on a guard's control socket.
///
/// # Errors
/// As [`timer`].
pub(crate) fn guard(guard: Guard) -> io::Result<AsyncFd<Guard>> {
    // SAFETY: a `Guard` owns its socket in a field that it never replaces, so `as_raw_fd` names the same open
    // descriptor until it is dropped, and `AsyncFd` owns it.
    unsafe { register(guard) }
}

/// Waits on a packet socket.
///
/// # Errors
/// As [`timer`].
pub(crate) fn ethernet(socket: Ethernet) -> io::Result<AsyncFd<Ethernet>> {
    // SAFETY: an `Ethernet` owns its socket in a field that it never replaces, as a `Guard` does.
    unsafe { register(socket) }
}

/// # Safety
/// `as_raw_fd` must name one and the same open descriptor for as long as the value lives.
unsafe fn register<T: AsRawFd>(value: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: passed on to the caller.
    unsafe { AsyncFd::register(value).map_err(io::Error::from) }
}
