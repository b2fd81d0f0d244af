//! The one clock that decides: `CLOCK_BOOTTIME`, which goes on through suspend. Wall clocks are for people.

use std::io;
use std::os::fd::OwnedFd;
use std::time::SystemTime;

use hotseat_core::Instant;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use crate::ready;

/// Now, on this machine.
#[must_use]
pub fn now() -> Instant {
    let time = clock_gettime(ClockId::Boottime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
    Instant::from_nanos(seconds * 1_000_000_000 + nanos)
}

/// Now as people write it, with milliseconds: `2026-11-20T12:00:00.123Z`.
#[must_use]
pub fn wall() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

/// Rings at an absolute time of the boot clock, so that a thaw or a resume cannot make it late.
#[derive(Debug)]
pub struct Alarm {
    timer: AsyncFd<OwnedFd>,
    set: Option<Instant>,
}

impl Alarm {
    /// A silent alarm.
    ///
    /// # Errors
    /// When the kernel has no timer to give.
    pub fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        Ok(Self { timer: ready::timer(timer)?, set: None })
    }

    /// Rings at `at`; a time that has passed rings at once.
    ///
    /// # Errors
    /// Never for a valid timer.
    pub fn set(&mut self, at: Option<Instant>) -> io::Result<()> {
        if self.set == at {
            return Ok(());
        }
        self.set = at;
        // Zero would disarm it: one nanosecond after boot has passed all the same.
        let nanos = at.map_or(0, |at| at.as_nanos().max(1));
        let it_value = Timespec {
            tv_sec: i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: (nanos % 1_000_000_000).cast_signed(),
        };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &Itimerspec { it_interval, it_value })?;
        Ok(())
    }

    /// Waits until it rings. Cancel-safe.
    ///
    /// # Errors
    /// When the runtime is gone.
    pub async fn ring(&mut self) -> io::Result<()> {
        loop {
            let mut ready = self.timer.readable().await?;
            let mut count = [0; 8];
            match rustix::io::read(self.timer.get_ref(), &mut count) {
                Ok(_) => {
                    self.set = None;
                    return Ok(());
                }
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
