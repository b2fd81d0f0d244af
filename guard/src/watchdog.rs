//! The hardware watchdog: resets a machine whose dead cannot be proven dead.
//!
//! Fed while all is well. Starved from the moment a death is overdue; closed with the magic letter once the death is
//! proven, so that a clean end does not reset the machine.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// `WDIOC_GETTIMEOUT`: asks for the time-out in whole seconds.
const GET_TIMEOUT: libc::c_ulong = 0x8004_5707;
/// The time-out assumed of something that has none to tell.
const TIMEOUT_DEFAULT: u64 = 9;
const NANOS: u64 = 1_000_000_000;

/// A watchdog being fed.
pub(crate) struct Watchdog {
    device: File,
    every: u64,
    due: u64,
}

impl Watchdog {
    /// Opens it: from now on it wants to be fed.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let device = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        let mut seconds: libc::c_int = 0;
        // SAFETY: the request writes one int to the pointer; any other kind of file refuses it and writes nothing.
        let known = unsafe { libc::ioctl(device.as_raw_fd(), GET_TIMEOUT, &raw mut seconds) } == 0;
        let timeout = u64::try_from(seconds).ok().filter(|seconds| known && *seconds > 0).unwrap_or(TIMEOUT_DEFAULT);
        Ok(Self { device, every: timeout * NANOS / 3, due: 0 })
    }

    /// When it wants to be fed next: at a third of its time-out.
    pub(crate) fn wake_at(&self) -> u64 {
        self.due
    }

    pub(crate) fn feed(&mut self, now: u64) {
        if now >= self.due {
            self.due = now + self.every;
            let _ = self.device.write(b"\0");
        }
    }

    /// All is well for good: it may rest.
    pub(crate) fn release(mut self) {
        let _ = self.device.write(b"V");
    }
}
