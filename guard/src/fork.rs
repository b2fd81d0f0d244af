//! Making processes: the only two ways this crate forks.
//!
//! Both are used from a single-threaded process only (the guard and its keepers never start a thread), so a child may
//! do what its parent could.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;
use rustix::process::Pid;

/// Of `<linux/sched.h>`; the constant of libc 0.2 is too narrow for it.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// On which side of a fork we are.
pub(crate) enum Side {
    Parent(Pid),
    Child,
}

/// An ordinary fork.
pub(crate) fn fork() -> Result<Side, Errno> {
    // SAFETY: the process has one thread, so no lock can be held by a thread that the child lacks.
    side(i64::from(unsafe { libc::fork() }))
}

/// A fork whose child is born in a cgroup: no moment outside it, and none of the time that moving a process costs.
/// The child must only make system calls and exec: libc is not told of this fork.
pub(crate) fn fork_into(cgroup: BorrowedFd<'_>) -> Result<Side, Errno> {
    // SAFETY: clone_args is plain integers, for which zero means "not used".
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = CLONE_INTO_CGROUP;
    args.exit_signal = libc::SIGCHLD as u64;
    args.cgroup = cgroup.as_raw_fd() as u64;
    // SAFETY: `args` is initialised and of the size given; without CLONE_VM the child has its own copy of everything,
    // and the process has one thread.
    side(unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<libc::clone_args>()) })
}

/// Ends this process at once: no destructor, no exit handler.
pub(crate) fn leave(code: i32) -> ! {
    // SAFETY: _exit is always allowed and does not return.
    unsafe { libc::_exit(code) }
}

fn side(result: i64) -> Result<Side, Errno> {
    match i32::try_from(result).ok() {
        Some(0) => Ok(Side::Child),
        Some(pid) if pid > 0 => Ok(Side::Parent(Pid::from_raw(pid).ok_or(Errno::SRCH)?)),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::AGAIN)),
    }
}
