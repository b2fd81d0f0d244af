//! The clock that leaderships are counted by: `CLOCK_BOOTTIME`, which goes on while a machine sleeps.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Since this machine's boot, suspend included.
pub(crate) fn now() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
