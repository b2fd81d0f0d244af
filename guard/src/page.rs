//! One page of memory shared by the guard and its keepers: the deadline, as the guard last heard it.
//!
//! Only the guard writes. A keeper reads it when its own timer is due, so that a guard which is stopped lengthens
//! nothing, and a renewal costs one store, however many keepers there are.
#![allow(unsafe_code)]

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

const LEN: usize = 4096;

/// The shared deadline. Copied freely: the page stays mapped until the process ends.
#[derive(Clone, Copy)]
pub(crate) struct Page(&'static AtomicU64);

impl Page {
    /// A new page that the children of this process will share. No deadline yet.
    pub(crate) fn new() -> io::Result<Self> {
        let (prot, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: a new anonymous mapping at an address of the kernel's choice overlaps nothing.
        let address = unsafe { mmap_anonymous(std::ptr::null_mut(), LEN, prot, flags)? };
        // SAFETY: the mapping is zeroed, page-aligned, large enough for the atomic, never unmapped, and accessed
        // through this atomic only, here and in the children.
        Ok(Self(unsafe { AtomicU64::from_ptr(address.cast()) }))
    }

    /// Until when things may live, in nanoseconds of `CLOCK_BOOTTIME`; 0 before the first deadline.
    pub(crate) fn deadline(self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Moves the deadline forward; a smaller one is ignored.
    pub(crate) fn extend(self, at: u64) {
        self.0.fetch_max(at, Ordering::SeqCst);
    }
}
