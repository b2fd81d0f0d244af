//! The virtual IP addresses that a session holds.
//!
//! ```text
//!  Raise ──added──> up ──every quarter of its seconds: prolonged──> up ──Lower | session over──> lowered
//!                    '──cannot be prolonged──> lowered, Raised with an errno
//! ```
//! An address that was on the machine before is never touched: it is added only if it is not there. The kernel is always
//! told a lifetime, so that an address whose guard *and* keepers are lost or frozen ends without them.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;

use super::{Phase, Session};
use crate::clock::boottime;
use crate::lan::{Address, Netlink};
use crate::page::Page;
use crate::wire::{ADDRESSES_MAX, Report};

const SECOND: u64 = 1_000_000_000;
/// A lifetime is prolonged so many times within itself: two may fail or come late.
const PROLONGED_PER_LIFETIME: u64 = 4;
/// Pause between two tries to lower what does not go.
const AGAIN: u64 = SECOND / 10;

/// What is held, and how it is reached. Nothing is opened or allocated once it stands.
pub(crate) struct Addresses {
    netlink: Netlink,
    /// Where the keepers see them.
    page: Page,
    held: Vec<Held>,
}

struct Held {
    address: Address,
    seconds: u32,
    /// When the kernel was last told its lifetime.
    told: u64,
    /// When something is to be done about it.
    due: u64,
    /// It is to go, and has not gone at the first try.
    leaving: bool,
}

impl Held {
    fn period(&self) -> u64 {
        u64::from(self.seconds) * SECOND / PROLONGED_PER_LIFETIME
    }

    /// Whether the kernel has taken it away by now, at the latest; it counts in whole seconds.
    fn has_expired(&self, now: u64) -> bool {
        now >= self.told.saturating_add((u64::from(self.seconds) + 2) * SECOND)
    }
}

impl Addresses {
    pub(crate) fn new(netlink: Netlink, page: Page) -> Self {
        Self { netlink, page, held: Vec::with_capacity(ADDRESSES_MAX) }
    }

    /// When something is to be done.
    pub(crate) fn wake_at(&self) -> Option<u64> {
        self.held.iter().map(|held| held.due).min()
    }

    fn raise(&mut self, address: Address, seconds: u32) -> Result<(), Errno> {
        if let Some(held) = self.held.iter_mut().find(|held| held.address == address) {
            (held.seconds, held.leaving, held.due) = (seconds, false, 0);
            return Ok(());
        }
        if self.held.len() >= ADDRESSES_MAX {
            return Err(Errno::NOSPC);
        }
        // Noted only once it is ours: what was there before must not be lowered by anybody. If this process ends between
        // the two, the lifetime ends the address.
        self.netlink.raise(&address, seconds)?;
        self.page.note(&address);
        let now = boottime();
        let mut held = Held { address, seconds, told: now, due: now, leaving: false };
        held.due += held.period();
        self.held.push(held);
        Ok(())
    }

    /// Whether it is not held afterwards.
    fn lower(&mut self, address: &Address) -> bool {
        let Some(place) = self.held.iter().position(|held| held.address == *address) else {
            return true;
        };
        let held = &mut self.held[place];
        let now = boottime();
        if self.netlink.lower(address).is_err() && !held.has_expired(now) {
            (held.leaving, held.due) = (true, now + AGAIN);
            return false;
        }
        self.page.forget(address);
        self.held.swap_remove(place);
        true
    }

    fn lower_all(&mut self) {
        let mut place = 0;
        while let Some(address) = self.held.get(place).map(|held| held.address) {
            place += usize::from(!self.lower(&address));
        }
    }

    /// Does one thing that is due, and says what came of it.
    fn tend(&mut self, now: u64) -> Option<Option<Report>> {
        let held = self.held.iter_mut().find(|held| held.due <= now)?;
        let address = held.address;
        if held.leaving {
            return Some(self.lower(&address).then_some(Report::Lowered { address }));
        }
        held.due = now + held.period();
        match self.netlink.prolong(&address, held.seconds) {
            Ok(()) => {
                held.told = now;
                Some(None)
            }
            Err(errno) => {
                self.lower(&address);
                Some(Some(Report::Raised { address, errno: errno.raw_os_error() }))
            }
        }
    }
}

impl AsFd for Addresses {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.netlink.as_fd()
    }
}

impl Session {
    pub(super) fn raise(&mut self, address: Address, seconds: u32) {
        let raised = if self.may_hold() {
            self.addresses.as_mut().map_or(Err(Errno::OPNOTSUPP), |addresses| addresses.raise(address, seconds))
        } else {
            Err(Errno::TIME)
        };
        let errno = raised.map_or_else(Errno::raw_os_error, |()| 0);
        self.outbox.push_back(Report::Raised { address, errno });
    }

    pub(super) fn lower(&mut self, address: &Address) {
        if self.addresses.as_mut().is_none_or(|addresses| addresses.lower(address)) {
            self.outbox.push_back(Report::Lowered { address: *address });
        }
    }

    pub(super) fn lower_all(&mut self) {
        if let Some(addresses) = &mut self.addresses {
            addresses.lower_all();
        }
    }

    pub(super) fn holds_addresses(&self) -> bool {
        self.addresses.as_ref().is_some_and(|addresses| !addresses.held.is_empty())
    }

    /// Tells the kernel that the addresses are to stay. The deadline is looked at once more, because a guard that is
    /// thawed here would call back what its keepers have lowered.
    pub(super) fn tend_addresses(&mut self, now: u64) {
        for _ in 0..ADDRESSES_MAX {
            let may_hold = self.may_hold();
            let Some(addresses) = self.addresses.as_mut().filter(|_| may_hold) else { return };
            let Some(news) = addresses.tend(now) else { return };
            self.outbox.extend(news);
        }
    }

    fn may_hold(&self) -> bool {
        let deadline = self.page.deadline();
        self.phase == Phase::Holding && deadline != 0 && boottime() < deadline
    }
}

/// What a keeper does in the place of a guard that is lost or late. `true` once the kernel was asked for all of them.
pub(crate) fn lower_for(netlink: BorrowedFd<'_>, page: Page) -> bool {
    // Every one is tried, even if one fails.
    page.noted().filter(|address| !Netlink::lower_blindly(netlink, address)).count() == 0
}
