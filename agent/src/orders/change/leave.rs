//! A node that is dead, and will not come back, is a member no more.

use hotseat_core::NodeName;

use super::{Made, Objection, Scene};
use crate::orders::book::{Asked, Book};

pub(super) fn remove(book: &mut Book, node: &NodeName, scene: &Scene, asked: &Asked) -> Result<Made, Objection> {
    if book.removed.contains_key(node) && !scene.members.contains_key(node) {
        return Ok(Made::Already(None));
    }
    let Some(session) = scene.member(node)?.dead else {
        return Err(Objection::Conflict(format!("{node} is alive: stop its agent first")));
    };
    if book.removed.get(node) == Some(&session) {
        return Ok(Made::Already(None));
    }
    // Whoever has come back since need not be remembered.
    book.removed.retain(|name, last| scene.members.get(name).is_none_or(|seen| seen.dead == Some(*last)));
    book.removed.insert(node.clone(), session);
    book.order.members.remove(node);
    book.in_force.retain(|it| it.node.as_deref() != Some(node.as_str()));
    let text = format!("{node} is no member of {} any more, unless it comes back", scene.group);
    Ok(Made::New(book.enter("remove", node.to_string(), Some(text), asked)))
}
