//! One page of memory shared by the guard and its keepers: the deadline, as the guard last heard it, and the addresses
//! that it holds.
//!
//! Only the guard writes. A keeper reads the deadline when its own timer is due, so that a guard which is stopped
//! lengthens nothing, and a renewal costs one store, however many keepers there are; the addresses it reads to lower
//! them in the guard's place.
#![allow(unsafe_code)]

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

use crate::lan::Address;
use crate::wire::ADDRESSES_MAX;

const LEN: usize = 4096;

/// What is on it. All zero is a valid one: no deadline, no address.
#[repr(C)]
struct Shared {
    deadline: AtomicU64,
    held: [Entry; ADDRESSES_MAX],
}

const _: () = assert!(size_of::<Shared>() <= LEN);

/// An address, or none. `what` is written last and wiped first: an entry that is not free is whole.
#[repr(C)]
struct Entry {
    /// 0: free. Else the family, 4 or 6, above eight bits of prefix.
    what: AtomicU32,
    interface: AtomicU32,
    ip: [AtomicU32; 4],
}

/// The shared page. Copied freely: it stays mapped until the process ends.
#[derive(Clone, Copy)]
pub(crate) struct Page(&'static Shared);

impl Page {
    /// A new page that the children of this process will share. No deadline yet.
    pub(crate) fn new() -> io::Result<Self> {
        let (prot, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: a new anonymous mapping at an address of the kernel's choice overlaps nothing.
        let address = unsafe { mmap_anonymous(std::ptr::null_mut(), LEN, prot, flags)? };
        // SAFETY: the mapping is zeroed, which is a valid `Shared`, page-aligned, large enough for it, never unmapped,
        // and accessed through these atomics only, here and in the children.
        Ok(Self(unsafe { &*address.cast::<Shared>() }))
    }

    /// Until when things may live, in nanoseconds of `CLOCK_BOOTTIME`; 0 before the first deadline.
    pub(crate) fn deadline(self) -> u64 {
        self.0.deadline.load(Ordering::SeqCst)
    }

    /// Moves the deadline forward; a smaller one is ignored.
    pub(crate) fn extend(self, at: u64) {
        self.0.deadline.fetch_max(at, Ordering::SeqCst);
    }

    /// Notes an address; `false` if there is no room.
    pub(crate) fn note(self, address: &Address) -> bool {
        let Some(entry) = self.0.held.iter().find(|entry| entry.what.load(Ordering::SeqCst) == 0) else {
            return false;
        };
        entry.write(address);
        true
    }

    /// Forgets it again.
    pub(crate) fn forget(self, address: &Address) {
        let its = self.0.held.iter().filter(|entry| entry.read().as_ref() == Some(address));
        its.for_each(|entry| entry.what.store(0, Ordering::SeqCst));
    }

    /// The addresses that are noted.
    pub(crate) fn noted(self) -> impl Iterator<Item = Address> {
        self.0.held.iter().filter_map(Entry::read)
    }
}

impl Entry {
    fn write(&self, address: &Address) {
        let (family, bits) = match address.ip {
            IpAddr::V4(ip) => (4, u128::from(ip.to_bits())),
            IpAddr::V6(ip) => (6, ip.to_bits()),
        };
        for (place, word) in self.ip.iter().enumerate() {
            #[allow(clippy::cast_possible_truncation, reason = "one word after the other")]
            word.store((bits >> (32 * place)) as u32, Ordering::SeqCst);
        }
        self.interface.store(address.interface, Ordering::SeqCst);
        self.what.store(family << 8 | u32::from(address.prefix), Ordering::SeqCst);
    }

    fn read(&self) -> Option<Address> {
        let [family, prefix] = u16::try_from(self.what.load(Ordering::SeqCst)).ok()?.to_be_bytes();
        let words = self.ip.iter().enumerate();
        let bits =
            words.fold(0_u128, |bits, (place, word)| bits | u128::from(word.load(Ordering::SeqCst)) << (32 * place));
        let ip = match family {
            4 => Ipv4Addr::from_bits(u32::try_from(bits).ok()?).into(),
            6 => Ipv6Addr::from_bits(bits).into(),
            _ => return None,
        };
        Some(Address { interface: self.interface.load(Ordering::SeqCst), ip, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_noted_and_forgotten() {
        let page = Page::new().unwrap();
        let of = |ip: &str, interface| Address { interface, ip: ip.parse().unwrap(), prefix: 24 };
        let all = [of("10.0.0.50", 2), of("fd00:1:2:3:4:5:6:7", 3), of("255.255.255.255", u32::MAX)];
        assert!(all.iter().all(|address| page.note(address)));
        assert_eq!(page.noted().collect::<Vec<_>>(), all);
        page.forget(&all[1]);
        assert_eq!(page.noted().collect::<Vec<_>>(), [all[0], all[2]]);
        assert!((2..ADDRESSES_MAX as u32).all(|number| page.note(&of("10.0.0.1", number))));
        assert!(!page.note(&all[1]), "there is no room");
    }
}
