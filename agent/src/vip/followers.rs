//! The loop's hand on what follows its groups: a task for each group that has something, and what they say.

use std::collections::BTreeMap;
use std::sync::Arc;

use hotseat_core::{Epoch, GroupId};
use hotseat_guard::Address;
use tokio::sync::{mpsc, oneshot, watch};

use super::group::{self, Follower};
use super::holdings::Tell;
use super::shown::Shown;
use crate::driver::Message;
use crate::history::History;
use crate::snapshot::Snapshot;
use crate::tasks::Tasks;
use crate::unit::Unit;

/// What a group's task says to the loop.
#[derive(Debug)]
pub enum Word {
    /// Have the guard raise an address for this epoch of the group.
    Raise {
        /// Whose.
        group: GroupId,
        /// In which epoch; of another it is refused.
        epoch: Epoch,
        /// What and where.
        address: Address,
        /// How long the kernel is to keep it for us.
        seconds: u32,
        /// Hears of it.
        tell: Tell,
    },
    /// Have the guard lower all of the group, and answer when it has.
    Lower(GroupId, oneshot::Sender<()>),
    /// What is to be seen has changed.
    Show(GroupId, Shown),
    /// Nothing follows the group any more, as of that order.
    Off(GroupId, u64),
}

/// What a group's task is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// Counts the orders.
    pub(super) number: u64,
    /// Follow this epoch, or none.
    pub(super) epoch: Option<Epoch>,
}

struct Lead {
    orders: watch::Sender<Order>,
    /// The epoch that was withdrawn, until the task has answered.
    withdrawn: Option<Epoch>,
}

/// See the module. The tasks end when it is dropped.
#[derive(Default)]
pub struct Followers {
    groups: BTreeMap<GroupId, Lead>,
    shown: BTreeMap<GroupId, Shown>,
}

/// What the tasks need of the agent.
pub struct Hands {
    /// To the loop.
    pub inbox: mpsc::Sender<Message>,
    /// To run commands.
    pub tasks: Tasks,
    /// The picture: whether the lease holds.
    pub picture: watch::Receiver<Arc<Snapshot>>,
    /// Where it is told.
    pub history: History,
    /// How long the kernel is to keep an address for us.
    pub seconds: u32,
}

impl Followers {
    /// Starts a task for each group that has a follower, on the runtime of the caller.
    #[must_use]
    pub fn start(units: &[Arc<Unit>], hands: &Arc<Hands>) -> Self {
        let mut followers = Self::default();
        for unit in units.iter().filter(|unit| unit.has_followers()) {
            let (orders, ordered) = watch::channel(Order { number: 0, epoch: None });
            tokio::spawn(group::follow(Follower::new(Arc::clone(unit), Arc::clone(hands)), ordered));
            followers.groups.insert(unit.id().clone(), Lead { orders, withdrawn: None });
            followers.shown.insert(unit.id().clone(), Shown::of(&unit.config));
        }
        followers
    }

    /// The group is led from here, and ready.
    pub fn announce(&mut self, group: &GroupId, epoch: Epoch) {
        self.order(group, Some(epoch));
    }

    /// No longer.
    pub fn withdraw(&mut self, group: &GroupId, epoch: Epoch) {
        self.order(group, None);
        if let Some(lead) = self.groups.get_mut(group) {
            lead.withdrawn = Some(epoch);
        }
    }

    fn order(&mut self, group: &GroupId, epoch: Option<Epoch>) {
        if let Some(lead) = self.groups.get(group) {
            lead.orders.send_modify(|order| *order = Order { number: order.number + 1, epoch });
        }
    }

    /// Whether addresses may be raised for this epoch of the group.
    #[must_use]
    pub fn follows(&self, group: &GroupId, epoch: Epoch) -> bool {
        self.groups.get(group).is_some_and(|lead| lead.orders.borrow().epoch == Some(epoch))
    }

    /// The task has ended everything as of this order. The epoch that is withdrawn by that, if it was the newest order.
    pub fn off(&mut self, group: &GroupId, number: u64) -> Option<Epoch> {
        let lead = self.groups.get_mut(group)?;
        let newest = lead.orders.borrow().number == number;
        lead.withdrawn.take_if(|_| newest)
    }

    /// Notes what is to be seen of a group.
    pub fn note(&mut self, group: GroupId, shown: Shown) {
        self.shown.insert(group, shown);
    }

    /// What is to be seen of all.
    #[must_use]
    pub fn shown(&self) -> &BTreeMap<GroupId, Shown> {
        &self.shown
    }
}
