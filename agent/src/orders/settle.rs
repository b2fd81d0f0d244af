//! What became of an ordered switchover, told by the group's own record alone: so whoever leads can say it, however many
//! agents have died since.
//!
//! ```text
//!  epoch as ordered: who leads in it has not answered yet
//!        │ it let go, and its record names the act            it ended otherwise, or the record names no such act
//!        v                                                         v
//!  handed over: who claimed the next epoch serves            void: nothing was done for it
//! ```

use hotseat_core::{GroupRecord, NodeName, Ordered};

use crate::story;

/// What came of an order: whether it was done, and how, in words.
pub(super) type Verdict = (bool, String);

/// The verdict, once there is one. It waits until the new leader serves, if it is to be `complete`.
#[must_use]
pub(super) fn verdict(
    ordered: &Ordered,
    from: Option<&NodeName>,
    group: &GroupRecord,
    complete: bool,
) -> Option<Verdict> {
    let heeded = group.obeyed >= ordered.act;
    let (epoch, now) = (ordered.epoch, group.epoch);
    if now < epoch || (now == epoch && (group.leader.is_some() || heeded)) {
        return None;
    }
    let presently = match &group.leader {
        Some(leader) => format!("{} leads, epoch {now}", leader.node),
        None => format!("nobody leads since epoch {now}"),
    };
    if !heeded {
        let why = story::reason(&group.reason);
        return Some((false, format!("epoch {epoch} ended before it was heeded ({why}); {presently}")));
    }
    if now > epoch.next() {
        // Who came next is known to none any more.
        return Some((ordered.to.is_none(), format!("epoch {epoch} ended as ordered; since then {presently}")));
    }
    let next = group.last()?;
    match &ordered.to {
        Some(to) if to != next => Some((false, format!("{next} took over in place of {to}: {presently}"))),
        None if from == Some(next) => Some((false, format!("nobody else took over: {presently}"))),
        Some(_) | None if complete && group.leader.is_some() && !group.serving => None,
        Some(_) | None => Some((true, presently)),
    }
}

#[cfg(test)]
mod tests {
    use hotseat_core::{Epoch, Leader, Nonce, Reason, SessionId};

    use super::*;

    fn node(name: &str) -> NodeName {
        NodeName::new(name).expect("a plain name")
    }

    fn record(epoch: u64, leader: Option<&str>, obeyed: u64) -> GroupRecord {
        let session = SessionId { ordinal: 1, id: Nonce(1) };
        GroupRecord {
            nonce: Nonce(0),
            epoch: Epoch(epoch),
            leader: leader.map(|name| Leader { node: node(name), session }),
            serving: leader.is_some(),
            service: None,
            next: None,
            avoid: Some(node("n1")),
            reason: Reason::Switchover,
            unrest: 0,
            obeyed,
        }
    }

    fn check(to: Option<&str>, group: &GroupRecord, says: Option<(bool, &str)>) {
        let ordered = Ordered { act: 7, epoch: Epoch(4), to: to.map(node) };
        let found = verdict(&ordered, Some(&node("n1")), group, true);
        let found = found.as_ref().map(|(ok, text)| (*ok, text.as_str()));
        match (found, says) {
            (Some((ok, text)), Some((should, part))) => assert!(ok == should && text.contains(part), "{ok} {text}"),
            (found, says) => assert_eq!(found, says),
        }
    }

    #[test]
    fn an_order_is_open_until_its_epoch_is_over() {
        check(None, &record(4, Some("n1"), 6), None);
        check(None, &record(4, None, 7), None);
        check(None, &record(3, Some("n3"), 6), None);
        check(None, &GroupRecord { serving: false, ..record(5, Some("n2"), 7) }, None);
    }

    #[test]
    fn it_is_done_when_who_took_over_serves() {
        check(None, &record(5, Some("n2"), 7), Some((true, "n2 leads, epoch 5")));
        check(Some("n2"), &record(5, Some("n2"), 7), Some((true, "n2 leads")));
        check(Some("n3"), &record(5, Some("n2"), 7), Some((false, "n2 took over in place of n3")));
        check(None, &record(5, Some("n1"), 7), Some((false, "nobody else took over")));
        check(None, &record(9, Some("n3"), 7), Some((true, "epoch 4 ended as ordered; since then n3 leads, epoch 9")));
    }

    #[test]
    fn it_is_void_when_the_leadership_ended_otherwise() {
        let lost = GroupRecord { reason: Reason::Silent, ..record(5, Some("n2"), 6) };
        check(None, &lost, Some((false, "epoch 4 ended before it was heeded (the old leader was silent")));
        let stopped = GroupRecord { reason: Reason::Stopped, ..record(4, None, 6) };
        check(Some("n2"), &stopped, Some((false, "nobody leads since epoch 4")));
    }
}
