//! Operators at work: an order changes the group's record of orders, as it stands at that moment.

use hotseat_core::{Expect, GroupId, Key, NodeName, Nonce, OrdersRecord, Outcome, Record};

use super::World;
use crate::invariants::Fact;
use crate::order::Order;

impl World {
    /// Writes an order down, if the store answers.
    pub(crate) fn ask_for(&mut self, group: &GroupId, order: &Order) {
        if self.outage {
            return;
        }
        let key = Key::Orders(group.clone());
        let (expect, before) = match self.store.now(&key) {
            Some((version, Record::Orders(record))) => (Expect::Version(version), Some(record.clone())),
            Some((_, Record::Session(_) | Record::Group(_) | Record::Voters(_))) | None => (Expect::Absent, None),
        };
        let nonce = Nonce(self.rng.wide());
        let mut record = OrdersRecord { nonce, ..before.clone().unwrap_or_default() };
        self.change(&mut record, group, order);
        let (before, after) = (before.map(Record::Orders), Record::Orders(record));
        if !self.lawful(&key, &after) {
            return;
        }
        if let Outcome::Applied(_) = self.store.apply(self.now, &key, expect, after.clone()) {
            self.fact(&Fact::Applied { key: &key, before: before.as_ref(), after: &after });
            self.hint();
        }
    }

    fn change(&mut self, record: &mut OrdersRecord, group: &GroupId, order: &Order) {
        self.acts += 1;
        let act = self.acts;
        let (newest, leader) = match self.store.now(&Key::Group(group.clone())) {
            Some((_, Record::Group(record))) => (record.epoch, record.leader.as_ref().map(|it| it.node.clone())),
            Some((_, Record::Session(_) | Record::Orders(_) | Record::Voters(_))) | None => Default::default(),
        };
        let leads = leader.as_ref().map(|node| (node, newest));
        let name = |at: &usize| -> NodeName { self.machines[*at].config.name.clone() };
        match order {
            Order::Pause => record.pause(),
            Order::Resume => record.resume(newest),
            Order::Pin(at) => record.pin(act, &name(at), leads),
            Order::Unpin => record.pinned = None,
            Order::Mode(at, mode) => record.set_mode(act, &name(at), *mode, leads),
            Order::Priority(at, priority) => record.set_priority(&name(at), *priority),
            Order::Switchover(to, of) => {
                let epoch = of.map_or(newest, hotseat_core::Epoch);
                record.switch_over(act, epoch, to.as_ref().map(name));
            }
            Order::Normal => {
                record.resume(newest);
                for at in 0..self.machines.len() {
                    record.set_mode(act, &name(&at), None, None);
                }
            }
        }
    }
}
