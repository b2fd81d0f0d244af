//! What makes a process hard to harm: its names, its memory, its descriptors, its place before the OOM killer.
//!
//! Everything here is best effort but for the closing of descriptors; what could not be had is told in `Hello`.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::fd::RawFd;

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, Rlimit, getpriority_process, getrlimit, setpriority_process, setrlimit};

/// Never to be chosen by the OOM killer: the guard's memory is small, and its death is the session's.
const OOM_NEVER: &[u8] = b"-1000";

/// How long a guard or keeper may work in one go at its priority, in microseconds: a kill needs a few thousand.
const HURRY_MAX_US: libc::rlim_t = 200_000;

/// What the agent had, to be given back to what it starts.
#[derive(Clone, Copy)]
pub(crate) struct Inherited {
    oom: [u8; 8],
    descriptors: Rlimit,
    real_time: libc::rlimit,
    nice: i32,
}

impl Inherited {
    /// Notes what there is, and takes more: protection from the OOM killer, as many descriptors as allowed.
    pub(crate) fn replace() -> Self {
        let descriptors = getrlimit(Resource::Nofile);
        // Refused only where the hard limit moves under us; then the soft one stays.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: descriptors.maximum, ..descriptors });
        Self {
            oom: oom_replace(OOM_NEVER).unwrap_or_default(),
            descriptors,
            real_time: real_time_limit(),
            nice: getpriority_process(None).unwrap_or(0),
        }
    }

    /// Gives it back, in the child that is to become a service. Allocates nothing.
    pub(crate) fn restore(&self) {
        let _ = setrlimit(Resource::Nofile, self.descriptors);
        // SAFETY: the limit is what getrlimit gave; rustix does not know this resource.
        unsafe { libc::setrlimit(libc::RLIMIT_RTTIME, &raw const self.real_time) };
        // `hurry` is not inherited, but what comes instead is the default, and not what the agent was started with. What
        // the agent took for itself, before ordinary processes, is not for services.
        let _ = setpriority_process(None, self.nice.max(0));
        if let Ok(mut file) = OpenOptions::new().write(true).open("/proc/self/oom_score_adj") {
            let len = self.oom.iter().position(|byte| *byte == 0).unwrap_or(self.oom.len());
            let _ = file.write_all(&self.oom[..len]);
        }
    }
}

fn real_time_limit() -> libc::rlimit {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the kernel writes one rlimit, or nothing.
    unsafe { libc::getrlimit(libc::RLIMIT_RTTIME, &raw mut limit) };
    limit
}

/// What stood there; nothing if there is no such file. To be refused the new value is no error.
fn oom_replace(value: &[u8]) -> io::Result<[u8; 8]> {
    let mut file = OpenOptions::new().read(true).write(true).open("/proc/self/oom_score_adj")?;
    let mut before = [0; 8];
    let _ = file.read(&mut before)?;
    let _ = file.write_all(value);
    Ok(before)
}

/// Runs before every ordinary process, where this is allowed: under full load the kill must not wait in a queue. Not
/// inherited by children, so each keeper does it for itself and no service has it.
///
/// Who goes first may not go on for long: after [`HURRY_MAX_US`] of work without a pause it is an ordinary process again,
/// so that a fault of ours cannot take a core from the machine.
pub(crate) fn hurry() {
    let lowest = libc::sched_param { sched_priority: 1 };
    let before = real_time_limit();
    let limit = libc::rlimit { rlim_cur: HURRY_MAX_US.min(before.rlim_max), ..before };
    let calm_down = calm_down as extern "C" fn(libc::c_int) as libc::sighandler_t;
    // SAFETY: the handler makes one system call and is async-signal-safe; limit and parameter are initialised and of the
    // kernel's layout; 0 is this process. Without the limit and its handler nothing is taken.
    unsafe {
        if libc::signal(libc::SIGXCPU, calm_down) != libc::SIG_ERR
            && libc::setrlimit(libc::RLIMIT_RTTIME, &raw const limit) == 0
        {
            libc::sched_setscheduler(0, libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, &raw const lowest);
        }
    }
}

/// What the kernel calls when the time is up.
extern "C" fn calm_down(_: libc::c_int) {
    let ordinary = libc::sched_param { sched_priority: 0 };
    // SAFETY: as in `hurry`; sched_setscheduler is a bare system call.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const ordinary) };
}

/// Locks all memory, now and later; `false` if this is not allowed.
pub(crate) fn lock_memory() -> bool {
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE).is_ok()
}

/// Locks what a keeper uses, as it comes to use it. The rest of the program is the guard's too, which holds it all in
/// memory; and should the guard die, its keepers act at once. So twenty keepers do not look like twenty programs.
pub(crate) fn lock_memory_in_use() {
    let _ = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT);
}

/// The short name: what `top`, `pkill` and `killall` look at.
pub(crate) fn name(name: &CStr) {
    let _ = rustix::thread::set_name(name);
}

/// The long name, written over the arguments: what `ps` and `pkill -f` look at. Cut to the room there is.
pub(crate) fn title(title: &str) {
    let Some((start, len)) = arguments() else {
        return;
    };
    let text = &title.as_bytes()[..title.len().min(len - 1)];
    // SAFETY: the kernel says that these `len` bytes hold this process's own argument strings: on its stack, mapped
    // and writable. Nothing borrows them: std copies an argument each time it is asked for one, and this crate never
    // asks. The last byte stays 0, so every string that begins in there still ends in there.
    unsafe {
        std::ptr::write_bytes(start, 0, len);
        std::ptr::copy_nonoverlapping(text.as_ptr(), start, text.len());
    }
}

/// Where the arguments of this process are: fields 48 and 49 of its `stat`.
fn arguments() -> Option<(*mut u8, usize)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(45);
    let start: usize = fields.next()?.parse().ok()?;
    let end: usize = fields.next()?.parse().ok()?;
    let len = end.checked_sub(start).filter(|len| *len > 1 && start != 0)?;
    Some((std::ptr::with_exposed_provenance_mut(start), len))
}

/// Closes every descriptor above standard error but these. A lock on `data_dir` must not live on in here (B3).
pub(crate) fn close_all_but(kept: &mut [RawFd]) {
    kept.sort_unstable();
    let mut from = 3;
    for fd in kept.iter().copied().filter(|fd| *fd >= 3) {
        close_range(from, fd - 1);
        from = fd + 1;
    }
    close_range(from, RawFd::MAX);
}

fn close_range(first: RawFd, last: RawFd) {
    if first > last {
        return;
    }
    // SAFETY: called before anything else in this process owns a descriptor in the range, or by a keeper that will
    // never run the destructors of what its parent owned. Without close_range (before Linux 5.9) they are closed singly.
    if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0 {
        return;
    }
    let limit = getrlimit(Resource::Nofile).maximum.map_or(1 << 16, |max| max.min(1 << 20));
    for fd in first..=last.min(RawFd::try_from(limit).unwrap_or(RawFd::MAX)) {
        // SAFETY: as above.
        unsafe { libc::close(fd) };
    }
}

/// Makes standard input, output and error lead nowhere.
pub(crate) fn detach_from_terminal() -> io::Result<()> {
    let nowhere = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    for target in 0..=2 {
        // SAFETY: dup2 takes no pointers; nothing in this process owns 0, 1 or 2.
        if unsafe { libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&nowhere), target) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    // Where 0, 1 or 2 was closed, the file just opened may itself have one of these numbers.
    if std::os::fd::AsRawFd::as_raw_fd(&nowhere) <= 2 {
        std::mem::forget(nowhere);
    }
    Ok(())
}
