//! Signals: the guard and its keepers hear of nothing but their children; what they start hears of everything.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use rustix::process::Pid;

const LAST: libc::c_int = 64;

/// Signals that keep their meaning: they cannot be ignored, or mean a fault of our own.
const KEPT: [libc::c_int; 10] = [
    libc::SIGKILL,
    libc::SIGSTOP,
    libc::SIGCONT,
    libc::SIGCHLD,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
    libc::SIGSYS,
];

/// Ignores every signal that may be: Ctrl-C in a terminal has to stop the agent, and the agent its guard.
pub(crate) fn ignore_all() {
    for signo in (1..=LAST).filter(|signo| !KEPT.contains(signo)) {
        // SAFETY: SIG_IGN installs no handler; numbers that libc keeps for itself are refused with EINVAL.
        unsafe { libc::signal(signo, libc::SIG_IGN) };
    }
}

/// Blocks SIGCHLD and gives a descriptor that is readable when a child has ended. Works after a fork too: a signalfd
/// tells whoever polls it of the poller's own signals.
pub(crate) fn of_children() -> io::Result<OwnedFd> {
    let mask = only_children();
    // SAFETY: `mask` is initialised, and the old mask is not asked for.
    let blocked = unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const mask, std::ptr::null_mut()) };
    if blocked != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `mask` is initialised; -1 asks for a new descriptor.
    let fd = unsafe { libc::signalfd(-1, &raw const mask, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given us this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes what the descriptor holds, so that it is readable again only after the next child.
pub(crate) fn drain(signals: &OwnedFd) {
    let mut record = [0_u8; size_of::<libc::signalfd_siginfo>()];
    // SAFETY: the buffer is as long as said; the descriptor does not block.
    while unsafe { libc::read(signals.as_raw_fd(), record.as_mut_ptr().cast(), record.len()) } > 0 {}
}

/// Sends a signal by number, the real-time ones included, to a process that is our child and not reaped yet.
pub(crate) fn send(child: Pid, signo: i32) {
    // SAFETY: kill takes no pointers; a number that is no signal is refused with EINVAL.
    unsafe { libc::kill(child.as_raw_nonzero().get(), signo) };
}

/// Back to what a program expects at its start: default dispositions, nothing blocked. Async-signal-safe.
pub(crate) fn restore_defaults() {
    // The kernel's own structure, all zero: SIG_DFL, no flags, nothing masked. Asked of the kernel directly, because
    // libc keeps two numbers for itself, and whoever started the agent may have ignored even those.
    let default = [0_u64; 4];
    for signo in 1..=LAST {
        // SAFETY: `default` is at least as large as the kernel's sigaction on every architecture; the old one is not
        // asked for; no handler is installed. What cannot be set is refused.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, signo, default.as_ptr(), std::ptr::null::<u64>(), 8_usize) };
    }
    // SAFETY: an all-zero sigset_t is initialised by sigemptyset before use; the old mask is not asked for.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

fn only_children() -> libc::sigset_t {
    // SAFETY: sigset_t is plain bits; sigemptyset initialises it, sigaddset takes a valid number.
    unsafe {
        let mut mask: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut mask);
        libc::sigaddset(&raw mut mask, libc::SIGCHLD);
        mask
    }
}
