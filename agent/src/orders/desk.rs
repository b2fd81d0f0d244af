//! Where acts are taken, on any node: written down by compare-and-swap, and the members told to look. It carries nothing
//! out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hotseat_client::{Acted, Outcome};
use hotseat_core::{
    Epoch, GroupId, GroupView, MemberState, MemberView, Mode, NodeName, Seat, SessionRecord, SessionState,
};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::book::{Asked, Book};
use super::change::{Made, Objection, Scene, Seen, Verb, change};
use super::settle::verdict;
use crate::clock;
use crate::driver::Message;
use crate::records::Records;
use crate::shelf::{Found, Shelf, ShelfError};
use crate::snapshot::Snapshot;

/// A store that has not answered by now will not while a client waits, which gives up after five seconds.
const WRITE_MAX: Duration = Duration::from_secs(3);

/// For so long an answer may wait for the leader's word: it hears of an order within milliseconds, or not soon.
const WORD_MAX: Duration = Duration::from_millis(1500);

/// A handle. Cheap to clone.
#[derive(Clone)]
pub struct Orders {
    shelf: Shelf,
    records: Records,
    shown: watch::Receiver<Arc<Snapshot>>,
    inbox: mpsc::Sender<Message>,
    node: NodeName,
}

/// Why nothing new was written.
enum Stop {
    Already(Box<Acted>),
    Objection(Objection),
}

impl Orders {
    /// Of the node of this name.
    #[must_use]
    pub fn new(
        records: &Records,
        shown: watch::Receiver<Arc<Snapshot>>,
        inbox: mpsc::Sender<Message>,
        node: &NodeName,
    ) -> Self {
        let shelf = Shelf::new(Arc::clone(records.store()), node.as_str());
        Self { shelf, records: records.clone(), shown, inbox, node: node.clone() }
    }

    /// Takes an act. It is in the record when this returns, and may be in doubt only after [`Objection::Later`]: then it
    /// may be asked for again.
    ///
    /// # Errors
    /// See [`Objection`].
    pub async fn act(
        &self,
        group: &GroupId,
        verb: &Verb,
        who: &str,
        reason: Option<String>,
    ) -> Result<Acted, Objection> {
        let asked = Asked { who: who.to_owned(), via: self.node.to_string(), at: clock::wall(), reason };
        let key = format!("orders/{group}");
        let write = self.shelf.replace(&key, |found: Option<Found<Book>>| {
            let version = found.as_ref().map_or(0, |found| found.version);
            let mut book = found.map(|found| found.record).unwrap_or_default();
            let scene = self.scene(group, &book).map_err(Stop::Objection)?;
            self.clear(group, &mut book, scene.epoch, &asked.at);
            match change(&mut book, verb, &scene, &asked).map_err(Stop::Objection)? {
                Made::New(act) => Ok((book, (act, version + 1))),
                Made::Already(act) => Err(Stop::Already(Box::new(Acted { act, already: true, orders: version }))),
            }
        });
        let again = "it may have been taken all the same, and to ask for it again does no harm";
        match timeout(WRITE_MAX, write).await {
            Err(_) => Err(Objection::Later(format!("the store did not answer within {WRITE_MAX:?}: {again}"))),
            Ok(Err(ShelfError::Unavailable(why))) => {
                Err(Objection::Later(format!("the store does not answer: {why}; {again}")))
            }
            Ok(Err(ShelfError::Damaged(why))) => Err(Objection::Conflict(why)),
            Ok(Ok(Err(Stop::Objection(objection)))) => Err(objection),
            Ok(Ok(Err(Stop::Already(acted)))) => Ok(*acted),
            Ok(Ok(Ok((act, orders)))) => {
                self.spread().await;
                Ok(Acted { act: Some(act), already: false, orders })
            }
        }
    }

    /// Waits for the leader's word on an ordered switchover: what came of it, or nothing while it is under way.
    pub async fn word(&self, group: &GroupId, act: u64) -> Option<Outcome> {
        let mut shown = self.shown.clone();
        let outcome = || self.records.book(group).and_then(|(_, book)| book.act(act)?.outcome.clone());
        let heard = shown.wait_for(|snapshot| {
            let open = self.records.book(group).and_then(|(_, book)| Some(book.pending()?.0.epoch));
            let moves = |epoch| snapshot.group(group).is_some_and(|view| moves(view, epoch));
            outcome().is_some() || open.is_some_and(moves)
        });
        drop(timeout(WORD_MAX, heard).await);
        outcome()
    }

    /// Writes down what came of an act, once.
    ///
    /// # Errors
    /// When the store does not answer: it is to be tried again.
    pub async fn close(&self, group: &GroupId, act: u64, ok: bool, text: &str) -> Result<(), ShelfError> {
        let key = format!("orders/{group}");
        let write = self.shelf.update(&key, |book: Option<Book>| {
            let mut book = book.unwrap_or_default();
            let outcome = Outcome { at: clock::wall(), ok, text: text.to_owned() };
            if !book.close(act, outcome) {
                return Err(());
            }
            // What nobody has heeded by now nobody is to heed later.
            if !ok && book.order.switchover.as_ref().is_some_and(|ordered| ordered.act == act) {
                book.order.switchover = None;
            }
            Ok((book, ()))
        });
        let late = |_| ShelfError::Unavailable(format!("no answer within {WRITE_MAX:?}"));
        if let Ok(()) = timeout(WRITE_MAX, write).await.map_err(late)?? {
            self.spread().await;
        }
        Ok(())
    }

    /// The nodes that are dead, and still members of some group.
    #[must_use]
    pub fn dead(&self) -> BTreeSet<NodeName> {
        let snapshot = Arc::clone(&self.shown.borrow());
        let groups = snapshot.view.groups.iter();
        let scenes = groups.filter_map(|view| {
            let book = self.records.book(&view.id).map(|(_, book)| book).unwrap_or_default();
            self.scene(&view.id, &book).ok()
        });
        let dead = scenes.flat_map(|scene| scene.members.into_iter().filter(|(_, seen)| seen.dead.is_some()));
        dead.map(|(node, _)| node).collect()
    }

    /// What people have ordered, as last seen.
    #[must_use]
    pub fn book(&self, group: &GroupId) -> Option<(u64, Arc<Book>)> {
        self.records.book(group)
    }

    /// The others, and this node's own loop, are to look.
    async fn spread(&self) {
        // A loop that is gone heeds nothing any more.
        drop(self.inbox.send(Message::Ordered).await);
    }

    /// An order of an earlier leadership makes room: what came of it can be told, and nobody else would.
    fn clear(&self, group: &GroupId, book: &mut Book, epoch: u64, at: &str) {
        let Some((ordered, act)) = book.pending().filter(|(ordered, _)| ordered.epoch.0 < epoch) else { return };
        let Some(record) = self.records.group(group) else { return };
        if let Some((ok, text)) = verdict(ordered, book.from.as_ref(), &record, false) {
            let id = act.id;
            book.close(id, Outcome { at: at.to_owned(), ok, text });
        }
    }

    fn scene(&self, group: &GroupId, book: &Book) -> Result<Scene, Objection> {
        let snapshot = Arc::clone(&self.shown.borrow());
        let view = snapshot.group(group).ok_or_else(|| Objection::Unknown(format!("no group {group} here")))?;
        let members: BTreeMap<_, _> = view
            .members
            .iter()
            .filter(|member| member.state != MemberState::Offline || !self.records.is_removed(book, &member.node))
            .map(|member| (member.node.clone(), self.seen(member)))
            .collect();
        Ok(Scene {
            group: group.to_string(),
            epoch: view.epoch.0,
            leader: view.leader.clone(),
            unrest: view.unrest,
            members,
        })
    }

    fn seen(&self, member: &MemberView) -> Seen {
        let session = self.records.session(&member.node).filter(|_| member.node != self.node);
        // The loop may have heard of an end that the records here were read before. Who takes no part looks the same.
        let offline = member.state == MemberState::Offline && member.mode != Mode::Disabled;
        let gone = |it: &SessionRecord| it.state != SessionState::Alive || offline;
        let dead = session.filter(|it| gone(it) || member.last_seen >= it.promise.silence());
        Seen { mode: member.mode, priority: member.priority, dead: dead.map(|it| it.session.ordinal) }
    }
}

/// Whether the leadership of that epoch is over, or about to be.
fn moves(view: &GroupView, epoch: Epoch) -> bool {
    view.epoch > epoch || !view.serving || matches!(view.seat, Seat::Demoting(_) | Seat::Releasing(_))
}
