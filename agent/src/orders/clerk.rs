//! Writes down what came of acts that take their time, and tells every act in this node's story.
//!
//! Every agent has one. Who leads writes at once, others a little later if nobody has: no act stays open for ever, whoever
//! dies. It ends with the loop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hotseat_client::{Act, Event};
use hotseat_core::{GroupId, NodeName};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::book::Book;
use super::desk::Orders;
use super::files;
use super::settle::{Verdict, verdict};
use crate::history::History;
use crate::records::Records;
use crate::snapshot::Snapshot;
use crate::sync;

/// Between two looks at what is open.
const PACE: Duration = Duration::from_millis(100);

/// Who does not lead leaves it to who does for so long.
const OTHERS_AFTER: Duration = Duration::from_secs(2);

/// An order that nobody has heeded for so long is taken back: its leader cannot read the store, or cannot act. So long
/// may a new leader's service take to become ready, too.
const HEED_MAX: Duration = Duration::from_secs(60);

/// Words of this node's own loop that may wait; each act is refused once.
pub(super) const REFUSALS: usize = 16;

/// This node leads, and does not do as ordered.
#[derive(Debug)]
pub struct Refusal {
    /// The group.
    pub group: GroupId,
    /// The act.
    pub act: u64,
    /// Why.
    pub why: String,
}

/// See the module.
pub(super) struct Clerk {
    orders: Orders,
    records: Records,
    files: sync::Desk,
    history: History,
    node: NodeName,
    shown: watch::Receiver<Arc<Snapshot>>,
    refusals: mpsc::Receiver<Refusal>,
    refused: BTreeMap<(GroupId, u64), String>,
    /// Since when an act was seen open.
    open: BTreeMap<(GroupId, u64), Instant>,
    /// The newest act that was told of.
    told: BTreeMap<GroupId, u64>,
}

impl Clerk {
    /// For the node of this name.
    #[must_use]
    pub(super) fn new(
        orders: Orders,
        records: &Records,
        files: sync::Desk,
        history: History,
        node: &NodeName,
        shown: watch::Receiver<Arc<Snapshot>>,
        refusals: mpsc::Receiver<Refusal>,
    ) -> Self {
        let (open, told) = (BTreeMap::new(), BTreeMap::new());
        let (records, node, refused) = (records.clone(), node.clone(), BTreeMap::new());
        Self { orders, records, files, history, node, shown, refusals, refused, open, told }
    }

    /// Works until the loop ends.
    pub(super) async fn work(mut self) {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                refusal = self.refusals.recv() => match refusal {
                    Some(Refusal { group, act, why }) => _ = self.refused.insert((group, act), why),
                    None => return,
                },
                _ = pace.tick() => {}
            }
            if self.shown.has_changed().is_err() {
                return;
            }
            let snapshot = Arc::clone(&self.shown.borrow());
            for view in &snapshot.view.groups {
                let Some((_, book)) = self.orders.book(&view.id) else {
                    if self.records.session(&self.node).is_some() {
                        // The store was read, and there is none: the first act is to be told of.
                        self.told.insert(view.id.clone(), 0);
                    }
                    continue;
                };
                self.tell(&view.id, &book);
                self.settle(&view.id, &book, view.leader.as_ref() == Some(&self.node)).await;
            }
        }
    }

    /// Acts that were taken since this agent began.
    fn tell(&mut self, group: &GroupId, book: &Book) {
        let newest = book.acts.last().map_or(0, |act| act.id);
        let told = self.told.insert(group.clone(), newest).unwrap_or(newest);
        for act in book.acts.iter().filter(|act| act.id > told) {
            let line = line(&self.node, group, act);
            tracing::info!("{}", line.text);
            self.history.add(line);
        }
    }

    async fn settle(&mut self, group: &GroupId, book: &Book, leads: bool) {
        let open = |id: u64| book.act(id).is_some_and(|act| act.outcome.is_none());
        self.open.retain(|(its, id), _| its != group || open(*id));
        self.refused.retain(|(its, id), _| its != group || open(*id));
        for act in book.acts.iter().filter(|act| act.outcome.is_none()) {
            let key = (group.clone(), act.id);
            let age = self.open.entry(key.clone()).or_insert_with(Instant::now).elapsed();
            let found = self.refused.get(&key).map(|why| (false, why.clone()));
            let found = found.or_else(|| self.verdict(group, book, act, age));
            let mine = leads || act.via == self.node.as_str() || self.refused.contains_key(&key) || age >= OTHERS_AFTER;
            let Some((ok, text)) = found.filter(|_| mine) else { continue };
            if !ok && files::is_push(act) && self.files.take_back(group, act.id, &text).await.is_err() {
                // The store does not answer, or it was sent just now: that is seen at the next look.
                continue;
            }
            match self.orders.close(group, act.id, ok, &text).await {
                Ok(()) => _ = self.refused.remove(&key),
                Err(why) => tracing::debug!("what came of act {} upon {group} is not written down yet: {why}", act.id),
            }
        }
    }

    /// What came of an act that is this old, if that can be told.
    fn verdict(&self, group: &GroupId, book: &Book, act: &Act, age: Duration) -> Option<Verdict> {
        let late = age >= HEED_MAX;
        if files::is_of(act) {
            let shown = self.files.board().of(group);
            let found = shown.as_ref().and_then(|shown| files::verdict(act, shown));
            return found.or_else(|| late.then(|| files::overdue(shown.as_deref())));
        }
        let (ordered, _) = book.pending().filter(|(_, pending)| pending.id == act.id)?;
        let record = self.records.group(group)?;
        let told = |complete| verdict(ordered, book.from.as_ref(), &record, complete);
        told(true).or_else(|| late.then(|| overdue(book, told(false))))
    }
}

/// Nothing more is waited for: the leader has not heard of it, or the new one's service does not become ready.
fn overdue(book: &Book, so_far: Option<Verdict>) -> Verdict {
    if let Some((_, text)) = so_far {
        return (false, format!("{text}, but its service is not ready after {HEED_MAX:?}"));
    }
    let who = book.from.as_ref().map_or("nobody", NodeName::as_str);
    (false, format!("not done within {HEED_MAX:?}, and taken back: see the log of {who}"))
}

fn line(node: &NodeName, group: &GroupId, act: &Act) -> Event {
    let detail = if act.detail.is_empty() { String::new() } else { format!(" ({})", act.detail) };
    let reason = act.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    Event {
        id: 0,
        at: act.at.clone(),
        node: node.to_string(),
        kind: String::from("act"),
        group: Some(group.to_string()),
        epoch: None,
        text: format!("act {}: {} asked for {} of {group}{detail}{reason}", act.id, act.who, act.what),
    }
}
