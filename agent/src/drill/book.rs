//! What is written down of fire drills: the one under way, for the whole cluster, and each group's history. Values only;
//! every change is made by compare-and-swap through the shelf.

use hotseat_client::{Drill, DrillOrder, DrillSeen, DrillUnderWay, DrillWatch};
use serde::{Deserialize, Serialize};

/// Where the one that is under way stands.
pub(super) const SLOT: &str = "drill";

/// Drills kept for each group: a year of weekly ones, and at half a KiB each far below what a record may hold.
const KEPT: usize = 52;

/// Nodes that watch one drill: more see nothing else.
const WATCHERS_MAX: usize = 8;

/// Where a group's history stands.
pub(super) fn shelf_mark(group: &str) -> String {
    format!("drills/{group}")
}

/// The record at [`SLOT`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slot {
    /// The number of the newest drill.
    #[serde(default)]
    last: u64,
    /// The one under way.
    #[serde(default)]
    pub(super) under_way: Option<DrillUnderWay>,
}

/// What a new drill is to be.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) group: String,
    pub(super) at: String,
    pub(super) who: String,
    pub(super) order: DrillOrder,
    pub(super) leader: String,
    pub(super) epoch: u64,
}

impl Slot {
    /// Takes the slot; says who has it if it is taken.
    pub(super) fn take(mut self, ask: Ask) -> Result<(Self, DrillUnderWay), String> {
        if let Some(other) = &self.under_way {
            return Err(format!("a drill of {} is under way (number {}): one at a time", other.group, other.id));
        }
        self.last += 1;
        let Ask { group, at, who, order, leader, epoch } = ask;
        let watchers = Vec::new();
        let begun = DrillUnderWay { id: self.last, group, at, who, order, leader, epoch, watchers, struck: false };
        self.under_way = Some(begun.clone());
        Ok((self, begun))
    }

    /// Changes the drill of this number; refuses when it is over.
    pub(super) fn change(mut self, id: u64, change: impl FnOnce(&mut DrillUnderWay)) -> Result<(Self, ()), Over> {
        let drill = self.under_way.as_mut().filter(|drill| drill.id == id).ok_or(Over)?;
        change(drill);
        Ok((self, ()))
    }

    /// Frees the slot, if this drill has it still.
    pub(super) fn free(self, id: u64) -> Result<(Self, ()), Over> {
        match &self.under_way {
            Some(drill) if drill.id == id => Ok((Self { under_way: None, ..self }, ())),
            Some(_) | None => Err(Over),
        }
    }
}

/// That drill is not under way any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Over;

/// Notes who watches, or what was seen.
pub(super) fn note(drill: &mut DrillUnderWay, watch: DrillWatch) {
    if let Some(known) = drill.watchers.iter_mut().find(|it| it.node == watch.node) {
        *known = watch;
    } else if drill.watchers.len() < WATCHERS_MAX {
        drill.watchers.push(watch);
    }
}

/// Whether everybody who watches has told what they saw.
pub(super) fn all_have_seen(drill: &DrillUnderWay) -> bool {
    !drill.watchers.is_empty() && drill.watchers.iter().all(|watch| watch.seen.is_some())
}

/// The record of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct History {
    /// From when the first scheduled drill is counted, RFC 3339.
    #[serde(default)]
    pub(super) from: Option<String>,
    /// Newest first.
    #[serde(default)]
    pub(super) drills: Vec<Drill>,
}

impl History {
    /// Adds one, once.
    pub(super) fn add(mut self, drill: &Drill) -> Self {
        if self.drills.iter().all(|known| known.id != drill.id) {
            self.drills.insert(0, drill.clone());
            self.drills.truncate(KEPT);
        }
        self
    }
}

/// The judgement over a drill, when all that will be known of it is.
pub(super) fn judge(drill: &DrillUnderWay, to: Option<String>) -> Drill {
    let seen = || drill.watchers.iter().filter_map(|watch| watch.seen);
    let outage = seen().map(|seen| seen.outage_ms).collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max());
    let failed: u64 = seen().map(|DrillSeen { failed, .. }| failed).sum();
    let (passed, text) = match (&to, outage, drill.order.max_ms) {
        (None, ..) => (false, String::from("nobody else came to lead in time")),
        (Some(to), None, None) => (true, format!("{to} leads; nobody could measure how long clients waited")),
        (Some(to), None, Some(max)) => (false, format!("{to} leads, but nothing shows that it took at most {max} ms")),
        (Some(to), Some(outage), Some(max)) if outage > max => {
            (false, format!("{to} leads; clients waited {outage} ms, more than {max} ms ({failed} questions failed)"))
        }
        (Some(to), Some(outage), _) => {
            (true, format!("{to} leads; clients waited {outage} ms ({failed} questions failed)"))
        }
    };
    over(drill, to, outage, passed, text)
}

/// One that was called off before anything was done.
pub(super) fn called_off(drill: &DrillUnderWay, why: &str) -> Drill {
    over(drill, Some(drill.leader.clone()), None, false, format!("called off: {why}"))
}

fn over(drill: &DrillUnderWay, to: Option<String>, outage_ms: Option<u64>, passed: bool, text: String) -> Drill {
    Drill {
        id: drill.id,
        at: drill.at.clone(),
        who: drill.who.clone(),
        order: drill.order.clone(),
        from: drill.leader.clone(),
        to,
        epoch: drill.epoch,
        outage_ms,
        passed,
        text,
        watchers: drill.watchers.clone(),
    }
}

#[cfg(test)]
mod tests {
    use hotseat_client::DrillKind;

    use super::*;

    fn ask(max_ms: Option<u64>) -> Ask {
        let order = DrillOrder { kind: DrillKind::Crash, max_ms, force: false, reason: None };
        let text = String::from;
        Ask { group: text("web"), at: text("now"), who: text("me"), order, leader: text("n1"), epoch: 3 }
    }

    fn begun(max_ms: Option<u64>) -> (Slot, DrillUnderWay) {
        Slot::default().take(ask(max_ms)).expect("it is free")
    }

    fn watch(node: &str, outage: Option<Option<u64>>) -> DrillWatch {
        let seen = outage.map(|outage_ms| DrillSeen { outage_ms, questions: 9, failed: 2 });
        DrillWatch { node: node.into(), asked: String::from("GET /"), seen }
    }

    #[test]
    fn there_is_one_at_a_time() {
        let (slot, first) = begun(None);
        let why = slot.clone().take(ask(None)).expect_err("it is taken");
        assert!(why.contains("a drill of web is under way (number 1)"), "{why}");
        assert_eq!(slot.clone().free(7), Err(Over));
        let (free, ()) = slot.free(first.id).expect("it has it");
        let (_, second) = free.clone().take(ask(None)).expect("it is free again");
        assert_eq!(second.id, 2);
        assert_eq!(free.change(first.id, |_| ()), Err(Over), "what is over is not changed");
    }

    #[test]
    fn the_watcher_that_saw_the_most_counts() {
        let (_, mut drill) = begun(Some(100));
        note(&mut drill, watch("n2", None));
        note(&mut drill, watch("n3", Some(Some(40))));
        assert!(!all_have_seen(&drill));
        note(&mut drill, watch("n2", Some(Some(90))));
        assert!(all_have_seen(&drill));
        let judged = judge(&drill, Some(String::from("n2")));
        assert_eq!((judged.outage_ms, judged.passed), (Some(90), true), "{}", judged.text);
        note(&mut drill, watch("n2", Some(Some(101))));
        assert!(!judge(&drill, Some(String::from("n2"))).passed);
        assert!(!judge(&drill, None).passed);
    }

    #[test]
    fn what_was_not_measured_does_not_pass_a_limit() {
        let (_, mut drill) = begun(Some(100));
        assert!(!judge(&drill, Some(String::from("n2"))).passed, "nobody watched");
        note(&mut drill, watch("n2", Some(None)));
        note(&mut drill, watch("n3", Some(Some(1))));
        assert!(!judge(&drill, Some(String::from("n2"))).passed, "n2 never had an answer");
        let (_, unlimited) = begun(None);
        assert!(judge(&unlimited, Some(String::from("n2"))).passed);
    }

    #[test]
    fn the_history_is_bounded_and_each_stands_once() {
        let (_, drill) = begun(None);
        let mut history = History::default();
        for id in 0..60 {
            let one = Drill { id, ..judge(&drill, None) };
            history = history.add(&one).add(&one);
        }
        assert_eq!((history.drills.len(), history.drills[0].id), (KEPT, 59));
    }
}
