//! The record at `orders/GROUP`: what people have ordered of a group, who did, and what came of it. A value: it reads no
//! clock and asks nobody.
//!
//! The protocol reads the order, and nothing else of it; the rest is for people.

use std::collections::BTreeMap;

use hotseat_client::{Act, InForce, Orders, Outcome};
use hotseat_core::{NodeName, Ordered, OrdersRecord};
use serde::{Deserialize, Serialize};

/// Acts kept: a year of a quiet group. All of them, each with the longest reason, fit into a record.
const ACTS_MAX: usize = 100;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// What the members heed.
    #[serde(flatten)]
    pub order: OrdersRecord,
    /// The newest acts, oldest first.
    #[serde(default)]
    pub acts: Vec<Act>,
    /// Who set what stands.
    #[serde(default)]
    pub in_force: Vec<InForce>,
    /// Who led when the newest switchover was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NodeName>,
    /// Members whose node is gone for good, each with the number of its last session: a later one is a member again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub removed: BTreeMap<NodeName, u64>,
}

/// Who asks, when and why.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who.
    pub who: String,
    /// The node whose agent takes it.
    pub via: String,
    /// When, RFC 3339.
    pub at: String,
    /// Why.
    pub reason: Option<String>,
}

impl Book {
    /// The act of this number, if it is still kept.
    #[must_use]
    pub fn act(&self, id: u64) -> Option<&Act> {
        self.acts.iter().find(|act| act.id == id)
    }

    /// The switchover whose outcome is open, with its act.
    #[must_use]
    pub fn pending(&self) -> Option<(&Ordered, &Act)> {
        let ordered = self.order.switchover.as_ref()?;
        let act = self.act(ordered.act).filter(|act| act.outcome.is_none())?;
        Some((ordered, act))
    }

    /// The order of this kind that stands, for this node or for the group.
    #[must_use]
    pub fn stands(&self, what: &str, node: Option<&NodeName>) -> Option<&InForce> {
        self.in_force.iter().find(|it| it.what == what && it.node.as_deref() == node.map(NodeName::as_str))
    }

    /// The number of the next act.
    #[must_use]
    pub fn next_act(&self) -> u64 {
        self.acts.last().map_or(0, |act| act.id) + 1
    }

    /// Writes an act down, with what came of it if that is known at once; the oldest that is done with makes room.
    pub fn enter(&mut self, what: &str, detail: String, outcome: Option<String>, asked: &Asked) -> Act {
        let act = Act {
            id: self.next_act(),
            at: asked.at.clone(),
            who: asked.who.clone(),
            via: asked.via.clone(),
            what: what.to_owned(),
            detail,
            reason: asked.reason.clone(),
            outcome: outcome.map(|text| Outcome { at: asked.at.clone(), ok: true, text }),
        };
        self.acts.push(act.clone());
        if self.acts.len() > ACTS_MAX {
            let done = self.acts.iter().position(|act| act.outcome.is_some());
            self.acts.remove(done.unwrap_or(0));
        }
        act
    }

    /// Notes that an act set something for good; what was there before anything was ordered is remembered.
    pub fn stand(&mut self, act: &Act, node: Option<&NodeName>, value: Option<String>, before: Option<String>) {
        let first = self.stands(&act.what, node).map(|earlier| earlier.before.clone());
        self.lift(&act.what, node);
        self.in_force.push(InForce {
            what: act.what.clone(),
            node: node.map(ToString::to_string),
            value,
            before: first.unwrap_or(before),
            act: act.id,
            who: act.who.clone(),
            at: act.at.clone(),
            reason: act.reason.clone(),
        });
    }

    /// Notes that nothing of this kind stands any more.
    pub fn lift(&mut self, what: &str, node: Option<&NodeName>) {
        self.in_force.retain(|it| it.what != what || it.node.as_deref() != node.map(NodeName::as_str));
    }

    /// Writes down what came of an act, once. Whether anything changed.
    pub fn close(&mut self, id: u64, outcome: Outcome) -> bool {
        let open = self.acts.iter_mut().find(|act| act.id == id && act.outcome.is_none());
        open.map(|act| act.outcome = Some(outcome)).is_some()
    }

    /// As the API shows it.
    #[must_use]
    pub fn shown(&self, version: u64) -> Orders {
        Orders { version, in_force: self.in_force.clone(), newest: self.acts.last().cloned() }
    }
}
