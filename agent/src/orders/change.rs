//! What each act makes of a group's orders. Values in, values out: who asks again in doubt finds it done, and is told so.

mod files;
mod lasting;
mod leave;
mod switchover;

use std::collections::BTreeMap;

use hotseat_client::Act;
use hotseat_core::{Epoch, Mode, NodeName};

use super::book::{Asked, Book};

/// What may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Nothing moves any more.
    Pause,
    /// Changes are allowed again, and held off no longer because leaderships would not last.
    Resume,
    /// This node, or who leads now, leads as long as it can.
    Pin(Option<NodeName>),
    /// No longer.
    Unpin,
    /// How a node takes part; as its file says otherwise.
    Mode(NodeName, Option<Mode>),
    /// How much a node is preferred; as its file says otherwise.
    Priority(NodeName, Option<i64>),
    /// A planned change of leader.
    Switchover {
        /// To whom; the best candidate otherwise.
        to: Option<NodeName>,
        /// The leadership that is to end; the present one otherwise.
        epoch: Option<u64>,
    },
    /// A node that is dead is a member no more.
    Remove(NodeName),
    /// This leader is to send its files as they are, in this epoch. Only the record of it: `sync` has them sent.
    SyncPush(NodeName, u64),
    /// The files are to be as in this earlier version. Only the record of it: `sync` puts it in force.
    SyncRollback(u64),
}

/// The group as the agent that takes the act sees it.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    /// Its id.
    pub group: String,
    /// The newest epoch.
    pub epoch: u64,
    /// Who leads.
    pub leader: Option<NodeName>,
    /// So many changes in a row were nobody's plan: further ones are, or would be, held off.
    pub unrest: u32,
    /// The members.
    pub members: BTreeMap<NodeName, Seen>,
}

/// One member, as the agent that takes the act sees it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// How it takes part.
    pub mode: Mode,
    /// How much it is preferred.
    pub priority: i64,
    /// The number of its last session, if it is dead.
    pub dead: Option<u64>,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// It is written down.
    New(Act),
    /// It stands already, by this act if it is still kept.
    Already(Option<Act>),
}

/// Why an act is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// It speaks of what is not there.
    Unknown(String),
    /// It cannot be as things stand; says what would have to be done first.
    Conflict(String),
    /// It may be in a while: nothing is wrong with what was asked. It may even have been taken; to ask again is safe.
    Later(String),
}

/// Writes the act into the book.
///
/// # Errors
/// See [`Objection`]; the book is not to be used then.
pub(super) fn change(book: &mut Book, verb: &Verb, scene: &Scene, asked: &Asked) -> Result<Made, Objection> {
    match verb {
        Verb::Pause => Ok(lasting::pause(book, scene, asked)),
        Verb::Resume => Ok(lasting::resume(book, scene, asked)),
        Verb::Pin(node) => lasting::pin(book, node.as_ref(), scene, asked),
        Verb::Unpin => Ok(lasting::unpin(book, asked)),
        Verb::Mode(node, mode) => lasting::mode(book, node, *mode, scene, asked),
        Verb::Priority(node, priority) => lasting::priority(book, node, *priority, scene, asked),
        Verb::Switchover { to, epoch } => switchover::order(book, to.as_ref(), *epoch, scene, asked),
        Verb::Remove(node) => leave::remove(book, node, scene, asked),
        Verb::SyncPush(leader, epoch) => files::push(book, leader, *epoch, scene, asked),
        Verb::SyncRollback(to) => Ok(files::roll_back(book, *to, asked)),
    }
}

impl Scene {
    fn member(&self, node: &NodeName) -> Result<&Seen, Objection> {
        self.members.get(node).ok_or_else(|| {
            let names: Vec<_> = self.members.keys().map(NodeName::as_str).collect();
            Objection::Unknown(format!("no member \"{node}\" in {}; there is: {}", self.group, names.join(", ")))
        })
    }

    /// Who leads in which epoch, for an order that may end it; nobody where nothing is to move.
    fn leadership(&self, book: &Book) -> Result<Option<(&NodeName, Epoch)>, Objection> {
        if let Some((_, act)) = book.pending() {
            // One order at a time: what became of the first could not be told.
            return Err(busy(&self.group, act));
        }
        Ok(self.leader.as_ref().filter(|_| !book.order.paused).map(|leader| (leader, Epoch(self.epoch))))
    }
}

fn already(book: &Book, what: &str, node: Option<&NodeName>) -> Made {
    Made::Already(book.stands(what, node).and_then(|it| book.act(it.act)).cloned())
}

fn busy(group: &str, act: &Act) -> Objection {
    Objection::Conflict(format!("a change of {group} is under way already: act {}", act.id))
}

/// Who set what stands in the way.
fn by(book: &Book, what: &str) -> String {
    let why = |reason: &Option<String>| reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    book.stands(what, None).map_or_else(String::new, |it| format!(" by {}{}", it.who, why(&it.reason)))
}

#[cfg(test)]
mod tests;
