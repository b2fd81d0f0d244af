//! Orders that stand until they are taken back: pause, pin, mode, priority.

use hotseat_core::{Epoch, Mode, NodeName};

use super::{Made, Objection, Scene, already};
use crate::orders::book::{Asked, Book};
use crate::snapshot::mode as word;

pub(super) fn pause(book: &mut Book, scene: &Scene, asked: &Asked) -> Made {
    if book.order.paused {
        return already(book, "pause", None);
    }
    book.order.pause();
    let text = format!("nothing of {} moves until it is resumed", scene.group);
    let act = book.enter("pause", String::new(), Some(text), asked);
    book.stand(&act, None, None, None);
    Made::New(act)
}

pub(super) fn resume(book: &mut Book, scene: &Scene, asked: &Asked) -> Made {
    let waives = scene.unrest > 0 && book.order.calm < scene.epoch;
    if !book.order.paused && !waives {
        return Made::Already(None);
    }
    book.order.resume(Epoch(scene.epoch));
    order_what_waited(book, scene);
    book.lift("pause", None);
    let detail = match scene.unrest {
        0 => String::new(),
        changes => format!("{changes} changes in a row that were nobody's plan count no more"),
    };
    Made::New(enter(book, "resume", detail, String::from("changes are allowed again"), scene, asked))
}

/// Modes that were ordered during the pause and say who leads: they come with their planned change now. Who is to lead
/// comes last, and so before who is to stand by.
fn order_what_waited(book: &mut Book, scene: &Scene) {
    let Some(pause) = book.stands("pause", None).map(|it| it.act) else { return };
    let Ok(leadership @ Some(_)) = scene.leadership(book) else { return };
    let since = book.in_force.iter().filter(|it| it.what == "mode" && it.act > pause);
    let nodes = since.filter_map(|it| NodeName::new(it.node.as_deref()?).ok());
    let mut waited: Vec<_> = nodes.map(|node| (book.order.of(&node).mode, node)).collect();
    waited.sort_by_key(|(mode, _)| *mode == Some(Mode::Leader));
    let act = book.next_act();
    for (mode, node) in waited {
        book.order.set_mode(act, &node, mode, leadership);
    }
}

/// Where another leads, it is also an order for a planned change.
pub(super) fn pin(book: &mut Book, node: Option<&NodeName>, scene: &Scene, asked: &Asked) -> Result<Made, Objection> {
    let node = node.or(scene.leader.as_ref()).ok_or_else(|| {
        Objection::Conflict(format!("nobody leads {} at the moment: say which node is to lead it", scene.group))
    })?;
    let mode = scene.member(node)?.mode;
    if !mode.may_lead() {
        let why = format!("{node} never leads: its mode is {}. Change that first: hotseat mode auto", word(mode));
        return Err(Objection::Conflict(why));
    }
    if book.order.pinned.as_ref() == Some(node) {
        return Ok(already(book, "pin", None));
    }
    let leadership = scene.leadership(book)?;
    book.order.pin(book.next_act(), node, leadership);
    let text = format!("{node} leads as long as it can{}", when(book, scene));
    let act = enter(book, "pin", node.to_string(), text, scene, asked);
    book.stand(&act, None, Some(node.to_string()), None);
    Ok(Made::New(act))
}

pub(super) fn unpin(book: &mut Book, asked: &Asked) -> Made {
    let Some(node) = book.order.pinned.take() else { return Made::Already(None) };
    book.lift("pin", None);
    Made::New(book.enter("unpin", node.to_string(), Some(String::from("whoever is best may lead")), asked))
}

/// Where it says who leads, it is also an order for a planned change.
pub(super) fn mode(
    book: &mut Book,
    node: &NodeName,
    mode: Option<Mode>,
    scene: &Scene,
    asked: &Asked,
) -> Result<Made, Objection> {
    let before = word(scene.member(node)?.mode);
    if book.order.of(node).mode == mode {
        return Ok(already(book, "mode", Some(node)));
    }
    let leadership = scene.leadership(book)?;
    book.order.set_mode(book.next_act(), node, mode, leadership);
    let how = mode.map_or("its file says", word);
    let text = format!("{node} takes part as {how}{}", when(book, scene));
    let act = enter(book, "mode", format!("{node}: {how}"), text, scene, asked);
    match mode {
        Some(_) => book.stand(&act, Some(node), Some(how.to_owned()), Some(before.to_owned())),
        None => book.lift("mode", Some(node)),
    }
    Ok(Made::New(act))
}

pub(super) fn priority(
    book: &mut Book,
    node: &NodeName,
    priority: Option<i64>,
    scene: &Scene,
    asked: &Asked,
) -> Result<Made, Objection> {
    let before = scene.member(node)?.priority;
    if book.order.of(node).priority == priority {
        return Ok(already(book, "priority", Some(node)));
    }
    book.order.set_priority(node, priority);
    let much = priority.map_or_else(|| String::from("what its file says"), |priority| priority.to_string());
    let text = format!("the priority of {node} is {much}");
    let act = book.enter("priority", format!("{node}: {much}"), Some(text), asked);
    match priority {
        Some(_) => book.stand(&act, Some(node), Some(much), Some(before.to_string())),
        None => book.lift("priority", Some(node)),
    }
    Ok(Made::New(act))
}

/// Its outcome is known at once, unless it ordered a change of leader too.
fn enter(
    book: &mut Book,
    what: &'static str,
    detail: String,
    text: String,
    scene: &Scene,
    asked: &Asked,
) -> hotseat_client::Act {
    let orders_change = book.order.switchover.as_ref().is_some_and(|ordered| ordered.act == book.next_act());
    if orders_change {
        book.from.clone_from(&scene.leader);
    }
    book.enter(what, detail, (!orders_change).then_some(text), asked)
}

/// What is ordered of a paused group waits.
fn when(book: &Book, scene: &Scene) -> String {
    if book.order.paused { format!("; nothing moves before {} is resumed", scene.group) } else { String::new() }
}
