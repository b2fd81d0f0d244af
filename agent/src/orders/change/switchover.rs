//! An order for the present leadership, and no other: who leads in it obeys, or nobody ever does.

use hotseat_core::{Epoch, NodeName, Ordered};

use super::{Made, Objection, Scene, busy, by};
use crate::orders::book::{Asked, Book};

pub(super) fn order(
    book: &mut Book,
    to: Option<&NodeName>,
    epoch: Option<u64>,
    scene: &Scene,
    asked: &Asked,
) -> Result<Made, Objection> {
    // Asked again in doubt: it was taken, whatever has become of it since.
    let newest = book.order.switchover.as_ref();
    if let Some(same) = newest.filter(|it| epoch == Some(it.epoch.0) && it.to.as_ref() == to) {
        return Ok(Made::Already(book.act(same.act).cloned()));
    }
    if let Some(to) = to {
        scene.member(to)?;
    }
    let group = &scene.group;
    let Some(leader) = &scene.leader else {
        return Err(Objection::Conflict(format!("nobody leads {group} at the moment")));
    };
    if to == Some(leader) {
        return Ok(Made::Already(None));
    }
    if epoch.is_some_and(|epoch| epoch != scene.epoch) {
        let now = scene.epoch;
        return Err(Objection::Conflict(format!("{group} has changed meanwhile: {leader} leads, epoch {now}")));
    }
    permitted(book, to, group)?;
    if let Some(busy) = under_way(book, to, scene)? {
        return Ok(Made::Already(Some(busy)));
    }
    let whom = to.map_or_else(|| String::from("the best candidate"), ToString::to_string);
    let act = book.enter("switchover", format!("epoch {}, {leader} to {whom}", scene.epoch), None, asked);
    book.order.switch_over(act.id, Epoch(scene.epoch), to.cloned());
    book.from = Some(leader.clone());
    Ok(Made::New(act))
}

fn permitted(book: &Book, to: Option<&NodeName>, group: &str) -> Result<(), Objection> {
    if book.order.paused {
        let by = by(book, "pause");
        return Err(Objection::Conflict(format!("{group} is paused{by}. First: hotseat resume --group {group}")));
    }
    match &book.order.pinned {
        Some(pinned) if to != Some(pinned) => {
            let by = by(book, "pin");
            Err(Objection::Conflict(format!("{group} is pinned to {pinned}{by}. First: hotseat unpin --group {group}")))
        }
        Some(_) | None => Ok(()),
    }
}

/// The change that is under way, if it is the very one that is asked for.
fn under_way(book: &Book, to: Option<&NodeName>, scene: &Scene) -> Result<Option<hotseat_client::Act>, Objection> {
    let group = &scene.group;
    match &book.order.switchover {
        Some(Ordered { epoch, .. }) if epoch.0 > scene.epoch => {
            Err(Objection::Later(format!("this node has not heard yet who leads {group}")))
        }
        Some(newest) if newest.epoch.0 == scene.epoch => match book.pending() {
            Some((_, act)) if newest.to.as_ref() == to => Ok(Some(act.clone())),
            Some((_, act)) => Err(busy(group, act)),
            None => Ok(None),
        },
        Some(_) | None => Ok(None),
    }
}
