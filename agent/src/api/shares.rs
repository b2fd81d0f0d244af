//! So many at once of what takes long, and of those only so many for one network: whoever needs no token to ask for it
//! must not be able to keep all others from it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Remote;
use crate::places::network;

/// See the module. This machine's socket counts as a network.
pub(super) struct Shares {
    all: usize,
    each: usize,
    taken: Mutex<BTreeMap<Option<IpAddr>, usize>>,
}

impl Shares {
    pub(super) const fn new(all: usize, each: usize) -> Self {
        Self { all, each, taken: Mutex::new(BTreeMap::new()) }
    }

    /// One more for who asks from there; none if there are too many.
    pub(super) fn take(&self, remote: Remote) -> Option<Share<'_>> {
        let from = remote.ip().map(network);
        let mut taken = self.taken();
        let own = taken.get(&from).copied().unwrap_or(0);
        if own >= self.each || taken.values().sum::<usize>() >= self.all {
            return None;
        }
        taken.insert(from, own + 1);
        Some(Share { shares: self, from })
    }

    fn taken(&self) -> MutexGuard<'_, BTreeMap<Option<IpAddr>, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Given back when it is dropped.
pub(crate) struct Share<'a> {
    shares: &'a Shares,
    from: Option<IpAddr>,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut taken = self.shares.taken();
        if let Some(own) = taken.get_mut(&self.from) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Remote {
        let own = "10.0.0.1:7700".parse().expect("an address");
        let peer = format!("{address}:5").parse().expect("an address");
        Remote::Network { peer, own, secure: false }
    }

    #[test]
    fn one_network_leaves_room_for_others() {
        let shares = Shares::new(4, 2);
        let mut taken: Vec<_> = (0..2).map(|_| shares.take(from("10.0.0.2")).expect("room")).collect();
        assert!(shares.take(from("10.0.0.2")).is_none());
        taken.push(shares.take(from("[2001:db8::1]")).expect("room"));
        taken.push(shares.take(from("[2001:db8::2]")).expect("room"));
        assert!(shares.take(from("[2001:db8::3]")).is_none() && shares.take(from("10.0.0.3")).is_none(), "all are out");
        taken.clear();
        assert!(shares.take(Remote::Socket { uid: 0 }).is_some() && shares.taken().is_empty());
    }
}
