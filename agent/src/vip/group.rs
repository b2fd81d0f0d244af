//! One group's task: follows the orders of the loop, one after the other, and never two at a time.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use hotseat_client::Event;
use hotseat_core::{Epoch, GroupId};
use tokio::sync::{oneshot, watch};

use super::followers::{Hands, Order, Word};
use super::shown::{One, Shown};
use super::{address, hook};
use crate::clock;
use crate::driver::Message;
use crate::unit::Unit;

/// What the task knows and what it speaks through.
pub(super) struct Follower {
    pub(super) unit: Arc<Unit>,
    pub(super) hands: Arc<Hands>,
    shown: Mutex<Shown>,
}

/// Follows orders until there can be no more: the loop is gone.
pub(super) async fn follow(follower: Follower, mut orders: watch::Receiver<Order>) {
    let mut moved = None;
    loop {
        let order = *orders.borrow_and_update();
        if let Some(epoch) = order.epoch {
            let hook = hook::run(&follower, epoch, &mut moved, changed(orders.clone()));
            tokio::join!(hook, raise(&follower, epoch, orders.clone()));
            follower.lower().await;
            follower.show_all(Shown::of(&follower.unit.config)).await;
        } else if order.number > 0 {
            follower.say(Word::Off(follower.group().clone(), order.number)).await;
        }
        if orders.changed().await.is_err() {
            return;
        }
    }
}

/// Holds every address until there is another order.
async fn raise(follower: &Follower, epoch: Epoch, orders: watch::Receiver<Order>) {
    let addresses = follower.unit.config.vip.iter().flat_map(|vip| 0..vip.addresses.len());
    let all = join_all(addresses.map(|place| address::hold(follower, epoch, place)));
    tokio::select! {
        _ = all => {}
        () = changed(orders.clone()) => return,
    }
    // There are none.
    changed(orders).await;
}

/// Returns when there is another order, or never will be.
async fn changed(mut orders: watch::Receiver<Order>) {
    drop(orders.changed().await);
}

impl Follower {
    pub(super) fn new(unit: Arc<Unit>, hands: Arc<Hands>) -> Self {
        let shown = Mutex::new(Shown::of(&unit.config));
        Self { unit, hands, shown }
    }

    pub(super) fn group(&self) -> &GroupId {
        self.unit.id()
    }

    pub(super) async fn say(&self, word: Word) {
        // A loop that is gone needs no words.
        drop(self.hands.inbox.send(Message::Follower(word)).await);
    }

    /// Waits until the guard has lowered everything of this group, or is gone with all it held.
    async fn lower(&self) {
        let (reply, answer) = oneshot::channel();
        self.say(Word::Lower(self.group().clone(), reply)).await;
        drop(answer.await);
    }

    /// Whether this node's lease holds: an agent that was stopped for long must not speak for what it has lost.
    pub(super) fn leased(&self) -> bool {
        self.hands.picture.borrow().pulse.leased()
    }

    pub(super) async fn show_address(&self, place: usize, one: One) {
        let shown = self.change(|shown| shown.addresses[place] = one);
        self.say(Word::Show(self.group().clone(), shown)).await;
    }

    pub(super) async fn show_floating(&self, one: One) {
        let shown = self.change(|shown| shown.floating = Some(one));
        self.say(Word::Show(self.group().clone(), shown)).await;
    }

    async fn show_all(&self, shown: Shown) {
        let shown = self.change(|all| *all = shown);
        self.say(Word::Show(self.group().clone(), shown)).await;
    }

    fn change(&self, change: impl FnOnce(&mut Shown)) -> Shown {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut shown);
        shown.clone()
    }

    /// Tells people, in the log and in the history.
    pub(super) fn tell(&self, kind: &str, epoch: Epoch, loud: bool, text: String) {
        if loud {
            tracing::warn!("{text}")
        } else {
            tracing::info!("{text}")
        }
        self.hands.history.add(Event {
            id: 0,
            at: clock::wall(),
            node: self.unit.node().to_owned(),
            kind: kind.to_owned(),
            group: Some(self.group().to_string()),
            epoch: Some(epoch.0),
            text,
        });
    }
}
