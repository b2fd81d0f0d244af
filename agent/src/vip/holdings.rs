//! The addresses that the guard was asked to raise, and who wants to hear what becomes of them. It asks nobody itself.

use std::collections::HashMap;
use std::io;

use hotseat_core::GroupId;
use hotseat_guard::Address;
use tokio::sync::{mpsc, oneshot};

/// News of one address: it is up, and perhaps later that it no longer is.
pub(super) const NEWS_MAX: usize = 4;

/// Who hears of an address. It closes when the address is not held any more.
pub type Tell = mpsc::Sender<io::Result<()>>;

/// See the module.
#[derive(Debug, Default)]
pub struct Holdings {
    held: HashMap<Address, (GroupId, Tell)>,
    /// Who waits until nothing is held for a group.
    waiting: Vec<(GroupId, oneshot::Sender<()>)>,
}

impl Holdings {
    /// The guard was asked to raise one. No two groups have the same: the configuration sees to that.
    pub fn add(&mut self, address: Address, group: GroupId, tell: Tell) {
        self.held.insert(address, (group, tell));
    }

    /// What is held for a group.
    #[must_use]
    pub fn of(&self, group: &GroupId) -> Vec<Address> {
        self.held.iter().filter(|(_, (owner, _))| owner == group).map(|(address, _)| *address).collect()
    }

    /// The guard says that it is up, or why it is not.
    pub fn raised(&mut self, address: &Address, errno: i32) {
        let news = if errno == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(errno)) };
        if let Some((_, tell)) = self.held.get(address) {
            // Who does not listen any more is about to have it lowered.
            drop(tell.try_send(news));
        }
        if errno != 0 {
            self.lowered(address);
        }
    }

    /// The guard says that it is down.
    pub fn lowered(&mut self, address: &Address) {
        self.held.remove(address);
        self.settle();
    }

    /// The guard is gone, and all it held.
    pub fn clear(&mut self) {
        self.held.clear();
        self.settle();
    }

    /// Answers once nothing is held for this group.
    pub fn when_none(&mut self, group: GroupId, reply: oneshot::Sender<()>) {
        self.waiting.push((group, reply));
        self.settle();
    }

    fn settle(&mut self) {
        let held = &self.held;
        let is_held = |group: &GroupId| held.values().any(|(owner, _)| owner == group);
        let (waiting, done) = std::mem::take(&mut self.waiting).into_iter().partition(|(group, _)| is_held(group));
        self.waiting = waiting;
        let done: Vec<(GroupId, oneshot::Sender<()>)> = done;
        // Who does not listen any more need not know.
        done.into_iter().for_each(|(_, reply)| _ = reply.send(()));
    }
}
