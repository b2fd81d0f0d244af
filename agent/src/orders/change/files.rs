//! What people ask for of a group's files: only written down. What is done about it stands in the record of their versions,
//! with the number of the act.

use hotseat_core::NodeName;

use super::{Made, Objection, Scene};
use crate::orders::book::{Asked, Book};
use crate::orders::files::{PUSH, ROLLBACK};

/// Whoever asks means the files of this leader, as they are while it leads.
pub(super) fn push(
    book: &mut Book,
    leader: &NodeName,
    epoch: u64,
    scene: &Scene,
    asked: &Asked,
) -> Result<Made, Objection> {
    if scene.leader.as_ref() != Some(leader) || scene.epoch != epoch {
        return Err(Objection::Conflict(format!("{leader} does not lead {} any more: ask again", scene.group)));
    }
    Ok(enter(book, PUSH, format!("of {leader}, epoch {epoch}"), asked))
}

pub(super) fn roll_back(book: &mut Book, to: u64, asked: &Asked) -> Made {
    enter(book, ROLLBACK, format!("to version {to}"), asked)
}

/// One that is under way is not asked for twice.
fn enter(book: &mut Book, what: &str, detail: String, asked: &Asked) -> Made {
    let open = book.acts.iter().find(|act| act.what == what && act.detail == detail && act.outcome.is_none());
    match open {
        Some(open) => Made::Already(Some(open.clone())),
        None => Made::New(book.enter(what, detail, None, asked)),
    }
}
