//! The one clock: `CLOCK_BOOTTIME`, in nanoseconds, and timers that stand at an absolute instant of it.
//!
//! Never a relative time-out: `select` and `ppoll` were measured to resume with what was *left over* after SIGSTOP, and
//! let a service act for a second too long. A timer here is due when its instant has passed, stopped or not.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
    timerfd_settime,
};

const NANOS: u64 = 1_000_000_000;

/// Now, in nanoseconds of `CLOCK_BOOTTIME`: the clock of every deadline.
///
/// ```
/// let deadline = hotseat_guard::boottime() + 450_000_000; // in 450 ms
/// # let _ = deadline;
/// ```
#[must_use]
pub fn boottime() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec.cast_unsigned().saturating_mul(NANOS).saturating_add(now.tv_nsec.cast_unsigned())
}

/// A file descriptor that is readable once an instant has passed.
pub(crate) struct Timer {
    fd: OwnedFd,
    armed: Option<u64>,
}

impl Timer {
    /// A timer that is not armed.
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        Ok(Self { fd: timerfd_create(TimerfdClockId::Boottime, flags)?, armed: None })
    }

    /// Due at this instant, or never. Arming clears what was due before.
    pub(crate) fn arm(&mut self, at: Option<u64>) {
        if self.armed == at {
            return;
        }
        // Zero would disarm, and a signed second count is what the kernel takes.
        let at_kernel = at.map_or(0, |at| at.clamp(1, i64::MAX.cast_unsigned()));
        let value = Timespec { tv_sec: (at_kernel / NANOS).cast_signed(), tv_nsec: (at_kernel % NANOS).cast_signed() };
        let when = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        let set = timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &when);
        // A valid descriptor and a valid time leave the kernel no reason to refuse; if it does, better dead than late.
        set.expect("an absolute timer can be armed");
        self.armed = at;
    }

    /// After it was due: forget the instant, so that the same one can be armed again.
    pub(crate) fn disarm_if_past(&mut self, now: u64) {
        if self.armed.is_some_and(|at| at <= now) {
            self.arm(None);
        }
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
