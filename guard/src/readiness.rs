//! Waiting for many descriptors at once, without a time-out and without allocating while it waits.
//!
//! Time comes in as the readiness of a [`Timer`](crate::clock::Timer) only.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd};

/// What to wait for, built anew for every turn in memory that is kept.
#[derive(Default)]
pub(crate) struct Readiness {
    entries: Vec<libc::pollfd>,
}

impl Readiness {
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// Waits for something to read, or for the end of the other side.
    pub(crate) fn read(&mut self, fd: impl AsFd) {
        self.add(fd, libc::POLLIN);
    }

    /// Waits for the kernel to say that a cgroup's events have changed.
    pub(crate) fn change(&mut self, fd: impl AsFd) {
        self.add(fd, libc::POLLPRI);
    }

    /// Waits for something to read, and for room to write.
    pub(crate) fn read_and_write(&mut self, fd: impl AsFd) {
        self.add(fd, libc::POLLIN | libc::POLLOUT);
    }

    fn add(&mut self, fd: impl AsFd, events: libc::c_short) {
        self.entries.push(libc::pollfd { fd: fd.as_fd().as_raw_fd(), events, revents: 0 });
    }

    /// Sleeps until something is ready, or somebody interrupts. What was ready is not told: every turn of a loop here
    /// does everything that is due, so there is no order of events that it could get wrong.
    pub(crate) fn wait(&mut self) {
        let count = self.entries.len() as libc::nfds_t;
        // SAFETY: the pointer and the count are those of one vector that nobody else touches during the call.
        unsafe { libc::poll(self.entries.as_mut_ptr(), count, -1) };
    }
}
