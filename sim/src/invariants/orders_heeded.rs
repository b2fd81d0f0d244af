//! orders_heeded: while a group is paused nobody who heeds that takes it over or hands it over; while the pinned member can
//! lead nobody else takes it; and an order is obeyed in its own epoch alone.
//!
//! A change that had begun before is completed: whom the last leader named may claim, and so may that leader itself.

use std::collections::BTreeMap;

use hotseat_core::{Epoch, GroupId, GroupRecord, GroupView, Key, MemberState, NodeName, Reason, Record};

use super::Fact;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct OrdersHeeded {
    /// Claims that only the last leader, or whom it named, may make, and why.
    begun: BTreeMap<(GroupId, Epoch, NodeName), String>,
    /// Who led last.
    last: BTreeMap<GroupId, NodeName>,
    /// Which epoch each act speaks of.
    orders: BTreeMap<(GroupId, u64), Epoch>,
}

impl OrdersHeeded {
    pub(super) fn see(&mut self, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Claims { view, node, epoch } => {
                if let Some(why) = barred(view, node) {
                    self.begun.insert((view.id.clone(), *epoch, (*node).clone()), why);
                }
                Ok(())
            }
            Fact::Parts { view, reason } if view.paused && **reason != Reason::Stopped => {
                Err(format!("{} is handed over ({reason:?}) while it is paused", view.id))
            }
            Fact::Applied { key: Key::Orders(group), after: Record::Orders(after), .. } => {
                if let Some(ordered) = &after.switchover {
                    self.orders.insert((group.clone(), ordered.act), ordered.epoch);
                }
                Ok(())
            }
            Fact::Applied { key: Key::Group(group), before, after: Record::Group(after) } => {
                let before = before.and_then(|it| if let Record::Group(it) = it { Some(it) } else { None });
                self.moved(group, before, after)
            }
            Fact::Obeys { group, epoch, act } => match self.orders.get(&((*group).clone(), *act)) {
                Some(of) if of == epoch => Ok(()),
                of => Err(format!("{group}: act {act} of epoch {of:?} is obeyed in epoch {epoch}")),
            },
            _ => Ok(()),
        }
    }

    fn moved(&mut self, group: &GroupId, before: Option<&GroupRecord>, after: &GroupRecord) -> Result<(), String> {
        let Some(leader) = &after.leader else { return Ok(()) };
        if before.is_some_and(|before| before.epoch == after.epoch) {
            return Ok(());
        }
        let last = self.last.insert(group.clone(), leader.node.clone());
        let why = self.begun.remove(&(group.clone(), after.epoch, leader.node.clone()));
        let named = before.and_then(|before| before.next.as_ref()) == Some(&leader.node);
        match why {
            Some(why) if last.as_ref() != Some(&leader.node) && !named => {
                Err(format!("{} takes {group} from {last:?}: {why}", leader.node))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Why this node, by what it knows itself, should not claim.
fn barred(view: &GroupView, node: &NodeName) -> Option<String> {
    if view.paused {
        return Some("it knows that the group is paused".into());
    }
    let pinned = view.pinned.as_ref().filter(|pinned| *pinned != node)?;
    let member = view.members.iter().find(|member| member.node == *pinned)?;
    let able = member.candidate && member.mode.may_lead() && member.state != MemberState::Offline;
    able.then(|| format!("it knows that {pinned} is pinned and can lead"))
}
